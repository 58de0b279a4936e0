"""A source of events: it has a name and a size, and can continue after what was already read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import orjson


class Source(Protocol):
    """A finite or endless sequence of records.

    The same input must always have the same name.
    """

    @property
    def name(self) -> str:
        """Identifies the sequence in a store."""

    @property
    def is_live(self) -> bool:
        """Whether it is read once as it arrives; when it ends, the next one starts with the same name."""

    def size(self) -> int | None:
        """Total bytes or rows, for a progress bar; None if unknown."""

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """Values after the first `skip`, each with how much of `size` has been read so far."""


def wire_event(event_type: str, **fields: Any) -> bytes:
    """An event in the JSON form of the contract."""
    return orjson.dumps({"type": event_type, **fields})
