"""What a source of events is: named, countable, and able to go on behind what was already read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import orjson


class Source(Protocol):
    """A finite or endless sequence of records.

    The same input must have the same name again.
    """

    @property
    def name(self) -> str:
        """Stands for the sequence in a store."""

    @property
    def is_live(self) -> bool:
        """Whether it is read as it comes, once: when it ends, another begins under the same name."""

    def size(self) -> int | None:
        """Bytes or rows in all, for a progress bar; None where it cannot be known."""

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """Values after the first `skip`, each with how much of `size` is read so far."""


def wire_event(event_type: str, **fields: Any) -> bytes:
    """An event in the JSON form of the contract."""
    return orjson.dumps({"type": event_type, **fields})
