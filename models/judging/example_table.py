"""Many examples in little memory, for evaluations that need each of them again."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from math import isnan, nan

from stream_app.models.learning import Example

EXAMPLES_AT_ONCE = 1_000


class ExampleTable:
    """Examples with numeric features, 8 bytes each; unknown values take space too.

    Dictionaries would take ten times as much.
    """

    def __init__(self, examples: Iterable[Example[float]]) -> None:
        self._places: dict[str, int] = {}
        self._rows: list[array[float]] = []  # a shorter row has no later features
        self.values = array("d")
        numbers = count()
        for features, value in examples:
            for name in features:
                if name not in self._places:
                    self._places[name] = next(numbers)
            self._rows.append(array("d", (float(features.get(name, nan)) for name in self._places)))
            self.values.append(value)

    def __len__(self) -> int:
        return len(self._rows)

    def examples(self, places: Iterable[int]) -> list[Example[float]]:
        """Return the examples at the given indices."""
        return [
            Example(
                {
                    name: number
                    for name, number in zip(self._places, self._rows[place], strict=False)
                    if not isnan(number)
                },
                self.values[place],
            )
            for place in places
        ]

    def batches(self, places: Sequence[int]) -> Iterator[list[Example[float]]]:
        """Return the examples at the given indices, `EXAMPLES_AT_ONCE` at a time."""
        for start in range(0, len(places), EXAMPLES_AT_ONCE):
            yield self.examples(places[start : start + EXAMPLES_AT_ONCE])
