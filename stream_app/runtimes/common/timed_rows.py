"""Rows in a database with each row's due times next to it, so that a start reads only these.

The times are no part of the log: whoever writes a row knows them, and of what is read from the log they are
decoded. They are written with their row as one, and so is the position in the log that both reach. Where
theirs is another, as in the folder of an older program, they are made anew from the rows.
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

# No text in UTF-8 has such bytes, so no key of a row begins with one.
TIMES_PREFIX = b"\xfe"
NOTE_PREFIX = b"\xff"
NO_NOTES: Notes = {}
# Times of another form, or of rows of another version, have their position elsewhere: these count as missing.
TIMES_POSITION_KEY = NOTE_PREFIX + b"times %d of rows %d" % (TIMES_VERSION, ROW_VERSION)
NOTED_AT_ONCE = 1_000

WITHOUT_LOG = WriteOptions()
WITHOUT_LOG.disable_wal = True


def no_times(_key: bytes, _row: bytes) -> None:
    """For rows of which nothing falls due."""


class TimedRows:
    """An open database: rows, their due times, and at `position_key` the position that the rows reach.

    `times_of` reads the times of a row as it is stored; None for an entry that is no user's row. Keys are
    UTF-8, or at least begin with no byte that UTF-8 does not know.
    """

    def __init__(self, database: Rdict, position_key: bytes, times_of: TimesOf) -> None:
        self._database = database
        self._position_key = position_key
        self._times_of = times_of

    @property
    def position(self) -> int | None:
        """The position in the log that the rows reach; None where nothing was written yet."""
        found = self._database.get(self._position_key)
        return int(found) if found is not None else None

    def items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """The rows whose keys begin so, in the order of their keys; raises RocksDB's error at damage."""
        for key, row in self._scan(prefix, _after(prefix) if prefix else TIMES_PREFIX):
            if key != self._position_key:
                yield key, row

    def note(self, key: bytes) -> bytes | None:
        """What was noted last at a key that begins with `NOTE_PREFIX`."""
        noted: bytes | None = self._database.get(key)
        return noted

    def put(
        self,
        changes: Iterable[Change],
        position: int,
        times: Mapping[bytes, bytes] | None = None,
        notes: Notes = NO_NOTES,
    ) -> None:
        """Apply changes, None for a removal, with the position that they reach, atomically.

        `times` are those of the rows by key; without them they are read from the rows. `notes` are of the
        log, and no rows.
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
        """The times of the rows whose keys begin so, by key and in the order of the keys."""
        if not self._has_all_times():
            self._note_all_times()
        first, end = TIMES_PREFIX + prefix, _after(TIMES_PREFIX + prefix)
        found = list(self._database.items(from_key=first, read_opt=_until(end)))
        # That ends at damage as at the end, where this raises.
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
        # Last, so that whatever a crash leaves of the times does not pass for all.
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
        entries.status()  # an iteration that meets damage ends like any other


def _until(end: bytes) -> ReadOptions:
    options = ReadOptions()
    options.set_iterate_upper_bound(end)
    return options


def _after(prefix: bytes) -> bytes:
    """The first key behind all that begin so."""
    return (int.from_bytes(prefix) + 1).to_bytes(len(prefix))
