"""Decoded rows in memory: changed but not yet stored, or recently used, with a store behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Generic, TypeVar

Place = tuple[int, str]
RowT = TypeVar("RowT")


class RowCache(Generic[RowT]):
    """Rows of all partitions of a process. Changed rows stay until stored, others up to a limit.

    `load` reads a row from the store by partition and user key.
    """

    def __init__(self, load: Callable[[int, str], RowT | None], limit: int) -> None:
        self._load = load
        self._limit = limit
        self._recent: dict[Place, RowT] = {}
        self.changed: dict[Place, RowT | None] = {}
        self._newest_change: dict[Place, int] = {}
        self._changes = 0

    def of_partition(self, partition: int) -> PartitionRows[RowT]:
        """The rows of one partition, as the core reads them."""
        return PartitionRows(self, partition)

    def find(self, place: Place) -> RowT | None:
        """A row by partition and user key."""
        if place in self.changed:
            return self.changed[place]
        row = self._recent.pop(place, None)
        if row is None:
            row = self._load(*place)
        if row is not None:
            self._recent[place] = row
        return row

    def change(self, partition: int, rows: Mapping[str, RowT | None]) -> int:
        """Add a batch's changes, None for a removed row; return the number of this change."""
        self._changes += 1
        for user_key, row in rows.items():
            place = partition, user_key
            self.changed[place] = row
            self._newest_change[place] = self._changes
        return self._changes

    def settle(self) -> None:
        """Mark all changes as stored: from now on they are cached like other rows."""
        self._settle(list(self.changed))

    def settle_change(self, partition: int, user_keys: Iterable[str], number: int) -> None:
        """The same for one change, except for rows that have changed again since."""
        places = ((partition, user_key) for user_key in user_keys)
        self._settle([place for place in places if self._newest_change.get(place) == number])

    def forget(self, partition: int) -> None:
        """Drop the rows of a partition that has moved elsewhere."""
        for rows in (self._recent, self.changed, self._newest_change):
            for place in [place for place in rows if place[0] == partition]:
                del rows[place]

    def _settle(self, places: Iterable[Place]) -> None:
        for place in places:
            row = self.changed.pop(place)
            del self._newest_change[place]
            self._recent.pop(place, None)
            if row is not None:
                self._recent[place] = row
        surplus = len(self._recent) - self._limit
        for place in list(islice(self._recent, max(surplus, 0))):
            del self._recent[place]


class PartitionRows(Generic[RowT]):
    """One partition's view of the cache."""

    def __init__(self, cache: RowCache[RowT], partition: int) -> None:
        self._cache = cache
        self._partition = partition

    def get(self, user_key: str) -> RowT | None:
        """The user's row, or None."""
        return self._cache.find((self._partition, user_key))
