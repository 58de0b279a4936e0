"""Rows of fixed-size tables, assigned by key; if none is free, the least recently touched is reused."""

from typing import NamedTuple, Self

import msgspec


class BoundedRowsState(msgspec.Struct):
    """Keys and their rows, least recently touched first; released rows; evictions so far."""

    limit: int
    rows: dict[str, int]
    free: list[int]
    evictions: int


class TouchedRow(NamedTuple):
    """A key's row, and whether it was just assigned and still holds its former key's data."""

    row: int
    is_new: bool


class BoundedRows:
    """At most `limit` keys, each with a row below `limit`; `keys` has the key of each row, or None."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a table needs at least one row, not {limit}")
        self.limit = limit
        self.evictions = 0
        self.keys: list[str | None] = []
        self._rows: dict[str, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def used(self) -> int:
        """How many rows were ever assigned."""
        return len(self.keys)

    def find(self, key: str) -> int | None:
        """Return a key's row."""
        return self._rows.get(key)

    def touch(self, key: str) -> TouchedRow:
        """Return a key's row, assigning one if it had none, and make it the last to be evicted."""
        row = self._rows.pop(key, None)
        is_new = row is None
        if row is None:
            row = self._give_out()
            self.keys[row] = key
        self._rows[key] = row
        return TouchedRow(row, is_new)

    def release(self, key: str) -> int | None:
        """Release a key's row and return it."""
        row = self._rows.pop(key, None)
        if row is not None:
            self.keys[row] = None
            self._free.append(row)
        return row

    def to_state(self) -> BoundedRowsState:
        """Return all keys and rows."""
        return BoundedRowsState(self.limit, self._rows, self._free, self.evictions)

    @classmethod
    def from_state(cls, state: BoundedRowsState) -> Self:
        """Restore what `to_state` returned."""
        table = cls(state.limit)
        table._rows, table._free, table.evictions = dict(state.rows), list(state.free), state.evictions
        table.keys = [None] * (len(state.rows) + len(state.free))
        for key, row in state.rows.items():
            table.keys[row] = key
        return table

    def _give_out(self) -> int:
        if self._free:
            return self._free.pop()
        if self.used < self.limit:
            self.keys.append(None)
            return self.used - 1
        self.evictions += 1
        return self._rows.pop(next(iter(self._rows)))
