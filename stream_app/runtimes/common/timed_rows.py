"""Rows in a database with each row's due times beside it, so that a start only reads the times.

Times are not in the log: the writer of a row knows them, and for rows read from the log they are decoded.
Rows, their times and the log position that both reach are written atomically. If the times have a different
position, as in the folder of an older version, they are rebuilt from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from rocksdict import Rdict, ReadOptions, WriteBatch, WriteOptions

from stream_app.core.row_times import TIMES_VERSION
from stream_app.features.user_row import ROW_VERSION

Change = tuple[bytes, bytes | None]
Notes = Mapping[bytes, bytes]
TimesOf = Callable[[bytes, bytes], bytes | None]

# These bytes do not occur in UTF-8, so no row's key starts with one.
TIMES_PREFIX = b"\xfe"
NOTE_PREFIX = b"\xff"
NO_NOTES: Notes = {}
# Times in another format, or of rows of another version, have their position elsewhere and count as missing.
TIMES_POSITION_KEY = NOTE_PREFIX + b"times %d of rows %d" % (TIMES_VERSION, ROW_VERSION)
NOTED_AT_ONCE = 1_000

WITHOUT_LOG = WriteOptions()
WITHOUT_LOG.disable_wal = True


def no_times(_key: bytes, _row: bytes) -> None:
    """For rows without due times."""


class TimedRows:
    """An open database: rows, their due times, and at `position_key` the position that the rows reach.

    `times_of` reads the times of a stored row; None for an entry that is not a user's row. Keys are UTF-8, or
    at least do not start with a byte that is invalid in UTF-8.
    """

    def __init__(self, database: Rdict, position_key: bytes, times_of: TimesOf) -> None:
        self._database = database
        self._position_key = position_key
        self._times_of = times_of

    @property
    def position(self) -> int | None:
        """The log position that the rows reach; None if nothing was written yet."""
        found = self._database.get(self._position_key)
        return int(found) if found is not None else None

    def items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """The rows whose keys have this prefix, in key order; raises RocksDB's error if damaged."""
        for key, row in self._scan(prefix, _after(prefix) if prefix else TIMES_PREFIX):
            if key != self._position_key:
                yield key, row

    def note(self, key: bytes) -> bytes | None:
        """The last note at a key that starts with `NOTE_PREFIX`."""
        noted: bytes | None = self._database.get(key)
        return noted

    def put(
        self,
        changes: Iterable[Change],
        position: int,
        times: Mapping[bytes, bytes] | None = None,
        notes: Notes = NO_NOTES,
    ) -> None:
        """Atomically apply changes, None for a removal, with the position that they reach.

        `times` are the rows' times by key; by default they are read from the rows. `notes` are about the log
        and are not rows.
        """
        newest = dict(changes)
        if times is None:
            times = dict(self._times((key, row) for key, row in newest.items() if row is not None))
        batch = WriteBatch(raw_mode=True)
        for key, row in newest.items():
            if row is not None:
                batch.put(key, row)
            else:
                batch.delete(key)
                batch.delete(TIMES_PREFIX + key)
        for key, packed in times.items():
            batch.put(TIMES_PREFIX + key, packed)
        for key, noted in notes.items():
            batch.put(key, noted)
        reached = str(position).encode()
        if self._has_all_times():
            batch.put(TIMES_POSITION_KEY, reached)
        batch.put(self._position_key, reached)
        self._database.write(batch, WITHOUT_LOG)

    def times(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """The times of the rows whose keys have this prefix, in key order."""
        if not self._has_all_times():
            self._note_all_times()
        first, end = TIMES_PREFIX + prefix, _after(TIMES_PREFIX + prefix)
        found = list(self._database.items(from_key=first, read_opt=_until(end)))
        # Iteration stops at damage as if at the end; this raises instead.
        for _ in self._scan(found[-1][0] if found else first, end):
            pass
        return [(key[len(TIMES_PREFIX) :], packed) for key, packed in found]

    def _has_all_times(self) -> bool:
        reached, times_reach = self._database.get([self._position_key, TIMES_POSITION_KEY])
        return bool(reached == times_reach)

    def _note_all_times(self) -> None:
        self._database.delete_range(TIMES_PREFIX, _after(TIMES_PREFIX), WITHOUT_LOG)
        times = self._times(self.items())
        while noted := list(islice(times, NOTED_AT_ONCE)):
            batch = WriteBatch(raw_mode=True)
            for key, packed in noted:
                batch.put(TIMES_PREFIX + key, packed)
            self._database.write(batch, WITHOUT_LOG)
        # Last, so that times left incomplete by a crash are not mistaken for all.
        self._database.put(TIMES_POSITION_KEY, self._database.get(self._position_key), write_opt=WITHOUT_LOG)

    def _times(self, rows: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        for key, row in rows:
            packed = self._times_of(key, row)
            if packed is not None:
                yield key, packed

    def _scan(self, first: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        entries = self._database.iter(_until(end))
        entries.seek(first)
        while entries.valid():
            yield entries.key(), entries.value()
            entries.next()
        entries.status()  # iteration stops at damage as if at the end


def _until(end: bytes) -> ReadOptions:
    options = ReadOptions()
    options.set_iterate_upper_bound(end)
    return options


def _after(prefix: bytes) -> bytes:
    """The first key after all keys with this prefix."""
    return (int.from_bytes(prefix) + 1).to_bytes(len(prefix))
