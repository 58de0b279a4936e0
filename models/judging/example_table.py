"""Many examples in little room: for judging, which has to come back to each of them."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from math import isnan, nan

from stream_app.models.learning import Example

EXAMPLES_AT_ONCE = 1_000


class ExampleTable:
    """Examples of values whose features are numbers, 8 bytes each; what is not known takes a place too.

    As dictionaries they would take ten times as much.
    """

    def __init__(self, examples: Iterable[Example[float]]) -> None:
        self._places: dict[str, int] = {}
        self._rows: list[array[float]] = []  # one that ends early knows nothing of later features
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
        """Put together the examples at the given places."""
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
        """Put together the examples at the given places, `EXAMPLES_AT_ONCE` at a time."""
        for start in range(0, len(places), EXAMPLES_AT_ONCE):
            yield self.examples(places[start : start + EXAMPLES_AT_ONCE])
