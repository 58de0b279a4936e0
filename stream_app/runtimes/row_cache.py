"""Decoded rows in memory: those changed but not stored yet, those used lately, and a store behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

from stream_app.core.user_row import UserRow

Place = tuple[int, str]


class RowCache:
    """Rows of all partitions of a process. Changed rows stay until they are stored; the rest up to a limit.

    `load` reads a row from the store by partition and user key.
    """

    def __init__(self, load: Callable[[int, str], UserRow | None], limit: int) -> None:
        self._load = load
        self._limit = limit
        self._recent: dict[Place, UserRow] = {}
        self.changed: dict[Place, UserRow | None] = {}

    def of_partition(self, partition: int) -> PartitionRows:
        """The rows of one partition, as the core asks for them."""
        return PartitionRows(self, partition)

    def find(self, place: Place) -> UserRow | None:
        """A row by partition and user key."""
        if place in self.changed:
            return self.changed[place]
        row = self._recent.pop(place, None)
        if row is None:
            row = self._load(*place)
        if row is not None:
            self._recent[place] = row
        return row

    def change(self, partition: int, rows: Mapping[str, UserRow | None]) -> None:
        """Take in what a batch changed; None where it removed a row."""
        for user_key, row in rows.items():
            self.changed[partition, user_key] = row

    def settle(self) -> None:
        """Forget what changed, once it is stored, and the longest unused rows over the limit."""
        for place, row in self.changed.items():
            self._recent.pop(place, None)
            if row is not None:
                self._recent[place] = row
        self.changed = {}
        surplus = len(self._recent) - self._limit
        for place in list(islice(self._recent, max(surplus, 0))):
            del self._recent[place]

    def forget(self, partition: int) -> None:
        """Drop the rows of a partition that has moved elsewhere."""
        self._recent = {place: row for place, row in self._recent.items() if place[0] != partition}


class PartitionRows:
    """One partition's view of the cache."""

    def __init__(self, cache: RowCache, partition: int) -> None:
        self._cache = cache
        self._partition = partition

    def get(self, user_key: str) -> UserRow | None:
        """The user's row, or None."""
        return self._cache.find((self._partition, user_key))
