"""Rows as bytes by key, in a log-structured store (RocksDB) that follows a log.

The log, a changelog topic or a table of redo records, becomes durable first. The store keeps the newest value
of each key and, written atomically with it, the log position that its rows reach. It needs no log of its own:
what a crash loses from memory is read again from the log, starting at that position.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    BottommostLevelCompaction,
    Cache,
    CompactOptions,
    DBCompressionType,
    Options,
    Rdict,
    WriteBufferManager,
)

from stream_app.errors import StateError
from stream_app.runtimes.common.timed_rows import Change, TimedRows, TimesOf, no_times

log = logging.getLogger(__name__)

MEBIBYTE = 1_048_576
BLOCK_CACHE_BYTES = 64 * MEBIBYTE
# A reader opens files from a list that a writer may have replaced meanwhile; the next list is valid again.
OPENINGS = 10


class RowStore:
    """The rows in one folder, and at `position_key`, which is not a row's key, the position that they reach.

    `times_of` is as for `TimedRows`.

    Raises:
        StateError: the folder cannot be used, or the rows in it cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        position_key: bytes,
        write_buffer_bytes: int,
        read_only: bool = False,
        times_of: TimesOf = no_times,
    ) -> None:
        self._folder = folder
        self._position_key = position_key
        self._read_only = read_only
        self._times_of = times_of
        self._options = database_options(write_buffer_bytes)
        if read_only:
            self._options.create_if_missing(False)
            self._options.set_max_open_files(-1)  # open all at once, because the writer may delete any
        self._database = self._open()

    @property
    def position(self) -> int:
        """The log position that the rows reach; 0 if nothing was written yet."""
        try:
            return self._rows.position or 0
        except Exception as error:
            raise self._failure(error) from error

    def get(self, key: bytes) -> bytes | None:
        """The row of a key, or None."""
        try:
            row: bytes | None = self._database.get(key)
        except Exception as error:
            raise self._failure(error) from error
        return row

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All rows in the order of their keys."""
        try:
            yield from self._rows.items()
        except Exception as error:
            raise self._failure(error) from error

    def times(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """The times of the rows whose keys have this prefix, in key order."""
        try:
            return self._rows.times(prefix)
        except Exception as error:
            raise self._failure(error) from error

    def put(
        self, changes: Iterable[Change], position: int, times: Mapping[bytes, bytes] | None = None
    ) -> None:
        """Atomically apply changes, None for a removal, with the position that they reach.

        `times` are the rows' times by key; by default they are read from the rows.
        """
        try:
            self._rows.put(changes, position, times)
        except Exception as error:
            raise self._failure(error) from error

    def flush(self) -> None:
        """Make everything applied durable."""
        try:
            self._database.flush()
        except Exception as error:
            raise self._failure(error) from error

    def purge(self) -> None:
        """Remove from the files everything that was deleted or replaced."""
        try:
            merge_files(self._database)
            self._database.close()
        except Exception as error:
            raise self._failure(error) from error
        self._database = self._open()

    def close(self) -> None:
        """Make everything durable and release the folder."""
        close_database(self._database)

    @property
    def _rows(self) -> TimedRows:
        return TimedRows(self._database, self._position_key, self._times_of)

    def _open(self) -> Rdict:
        if not self._read_only:
            return self._open_once(AccessType.read_write())
        access = AccessType.read_only(error_if_log_file_exist=False)
        for _ in range(OPENINGS - 1):
            try:
                return self._open_once(access)
            except StateError:
                continue
        return self._open_once(access)

    def _open_once(self, access: AccessType) -> Rdict:
        try:
            return open_database(self._folder, self._options, access)
        except Exception as error:  # the binding has no narrower exception
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StateError:
        if isinstance(error, StateError):
            return error
        return StateError(f"the rows in {self._folder} cannot be used: {error}")


def open_database(folder: Path, options: Options, access: AccessType | None = None) -> Rdict:
    """The database in a folder, created if missing, for reading and writing unless `access` says otherwise.

    When reopening a database, rocksdict 0.3.29 reads the column family's options from disk, where cache and
    filter are incomplete, unless they are passed by the family's name.
    """
    return Rdict(
        str(folder),
        options=options,
        column_families={"default": options},
        access_type=access or AccessType.read_write(),
    )


def find_damage(folder: Path) -> str | None:
    """A description of what is wrong with a database; None if all of it can be read.

    RocksDB verifies the checksum of every block that it reads.
    """
    options = database_options(MEBIBYTE)
    options.create_if_missing(False)
    try:
        database = open_database(folder, options, AccessType.read_only(error_if_log_file_exist=False))
        try:
            entries = database.iter()
            entries.seek_to_first()
            while entries.valid():
                entries.next()
            entries.status()
        finally:
            database.close()
    except Exception as error:  # noqa: BLE001 # the binding has no narrower exception
        return str(error)
    return None


def merge_files(database: Rdict) -> None:
    """Rewrite all files without deleted and replaced entries.

    The list of files still contains keys of the old files until the database is reopened.
    """
    everything = CompactOptions()
    everything.set_bottommost_level_compaction(BottommostLevelCompaction.force())
    database.flush()
    database.compact_range(None, None, everything)


def close_database(database: Rdict) -> None:
    """Make everything durable and close a database; what it can no longer write is still in the log."""
    path = database.path()
    try:
        database.close()
    except Exception as error:  # noqa: BLE001 # the binding has no narrower exception
        log.warning("the newest rows could not be written to %s, and remain in the log: %s", path, error)


def database_options(write_buffer_bytes: int, all_write_buffers_bytes: int | None = None) -> Options:
    """Options of one database of rows, or of several that share a cache and a limit on unflushed data."""
    blocks = BlockBasedOptions()
    blocks.set_block_cache(Cache(BLOCK_CACHE_BYTES))
    blocks.set_bloom_filter(10, block_based=False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(1)
    options.set_write_buffer_size(write_buffer_bytes)
    options.set_max_write_buffer_number(2)
    if all_write_buffers_bytes is not None:
        options.set_write_buffer_manager(WriteBufferManager(all_write_buffers_bytes, allow_stall=False))
    # LZ4 saves a third of the disk space, but costs more than everything else in merging rows.
    options.set_compression_type(DBCompressionType.none())
    options.set_block_based_table_factory(blocks)
    return options
