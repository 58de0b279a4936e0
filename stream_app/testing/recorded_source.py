"""Events in memory as a source that a replay reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RecordedSource:
    """Values in memory as a source of events."""

    values: Sequence[bytes]
    name: str = "recorded"
    is_live: bool = False

    def size(self) -> int | None:
        """The number of values."""
        return len(self.values)

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """The values after the first `skip`."""
        return ((value, number) for number, value in enumerate(self.values[skip:], start=skip + 1))
