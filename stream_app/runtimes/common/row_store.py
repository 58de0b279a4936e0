"""Rows as bytes by key in a log-structured store (RocksDB) that follows a log.

The log, a changelog topic or a table of redo records, is durable first. The store keeps the newest value of
each key and the position in the log that its rows reach, written as one. So it needs no log of its own:
what a crash takes from its memory is read from the log again, from its position on.
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
# A reader opens files by a list that a writer may have replaced meanwhile; the next list is good again.
OPENINGS = 10


class RowStore:
    """The rows in one folder, and at `position_key`, which is no row's, the position that they reach.

    `times_of` is as `TimedRows` wants it.

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
            self._options.set_max_open_files(-1)  # all are opened at once: the writer may delete any
        self._database = self._open()

    @property
    def position(self) -> int:
        """The position in the log that the rows reach; 0 where nothing was written yet."""
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
        """The times of the rows whose keys begin so, by key and in the order of the keys."""
        try:
            return self._rows.times(prefix)
        except Exception as error:
            raise self._failure(error) from error

    def put(
        self, changes: Iterable[Change], position: int, times: Mapping[bytes, bytes] | None = None
    ) -> None:
        """Apply changes, None for a removal, with the position that they reach, atomically.

        `times` are those of the rows by key; without them they are read from the rows.
        """
        try:
            self._rows.put(changes, position, times)
        except Exception as error:
            raise self._failure(error) from error

    def flush(self) -> None:
        """Make all that was taken in durable."""
        try:
            self._database.flush()
        except Exception as error:
            raise self._failure(error) from error

    def purge(self) -> None:
        """Leave nothing in the files of what was removed or replaced."""
        try:
            merge_files(self._database)
            self._database.close()
        except Exception as error:
            raise self._failure(error) from error
        self._database = self._open()

    def close(self) -> None:
        """Make all durable and release the folder."""
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
        except Exception as error:  # the binding knows no narrower one
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StateError:
        if isinstance(error, StateError):
            return error
        return StateError(f"the rows in {self._folder} cannot be used: {error}")


def open_database(folder: Path, options: Options, access: AccessType | None = None) -> Rdict:
    """The database in a folder, made where there is none, for reading and writing unless `access` differs.

    Of a database that exists, rocksdict 0.3.29 takes the column family's options from the disk, where neither
    cache nor filter stands in full, unless they are passed by the family's name.
    """
    return Rdict(
        str(folder),
        options=options,
        column_families={"default": options},
        access_type=access or AccessType.read_write(),
    )


def find_damage(folder: Path) -> str | None:
    """What is wrong with a database, in words; None if all of it can be read.

    Every block of its files bears a checksum of RocksDB's, which is looked at when the block is read.
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
    except Exception as error:  # noqa: BLE001  # the binding knows no narrower one
        return str(error)
    return None


def merge_files(database: Rdict) -> None:
    """Rewrite all files without what was removed or replaced.

    The list of files names keys of those that were there until the database is opened again.
    """
    everything = CompactOptions()
    everything.set_bottommost_level_compaction(BottommostLevelCompaction.force())
    database.flush()
    database.compact_range(None, None, everything)


def close_database(database: Rdict) -> None:
    """Make all durable and let a database go; what it cannot write any more is still in the log."""
    path = database.path()
    try:
        database.close()
    except Exception as error:  # noqa: BLE001  # the binding knows no narrower one
        log.warning("the newest rows could not be written to %s, and remain in the log: %s", path, error)


def database_options(write_buffer_bytes: int, all_write_buffers_bytes: int | None = None) -> Options:
    """Options of a database of rows, or of several that share a cache and a limit to what is not flushed."""
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
    # LZ4 saves a third of the disk, and costs more than all else in merging rows.
    options.set_compression_type(DBCompressionType.none())
    options.set_block_based_table_factory(blocks)
    return options
