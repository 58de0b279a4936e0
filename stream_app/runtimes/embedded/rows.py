"""The rows that a replay works on: those it changed, those it used lately, and the store behind them."""

from __future__ import annotations

from collections.abc import Mapping

from stream_app.core.user_row import UserRow
from stream_app.runtimes.embedded.store import Store


class RowCache:
    """Decoded rows of all partitions. Changed rows stay until they are stored; the rest up to a limit."""

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._recent: dict[tuple[int, str], UserRow] = {}
        self.changed: dict[tuple[int, str], UserRow] = {}

    def of_partition(self, partition: int) -> PartitionRows:
        """The rows of one partition, as the core asks for them."""
        return PartitionRows(self, partition)

    def find(self, place: tuple[int, str]) -> UserRow | None:
        """A row by partition and user key."""
        row = self.changed.get(place) or self._recent.pop(place, None)
        if row is None:
            row = self._store.row(*place)
        if row is not None:
            self._recent[place] = row
        return row

    def change(self, partition: int, rows: Mapping[str, UserRow]) -> None:
        """Take in what a batch changed."""
        for user_key, row in rows.items():
            self.changed[partition, user_key] = row

    def settle(self) -> None:
        """Forget what changed, once it is stored, and the longest unused rows over the limit."""
        for place, row in self.changed.items():
            self._recent.pop(place, None)
            self._recent[place] = row
        self.changed = {}
        surplus = len(self._recent) - self._limit
        for place in list(self._recent)[: max(surplus, 0)]:
            del self._recent[place]


class PartitionRows:
    """One partition's view of the cache."""

    def __init__(self, cache: RowCache, partition: int) -> None:
        self._cache = cache
        self._partition = partition

    def get(self, user_key: str) -> UserRow | None:
        """The user's row, or None."""
        return self._cache.find((self._partition, user_key))
