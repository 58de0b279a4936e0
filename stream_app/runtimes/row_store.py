"""Rows as bytes by key in a log-structured store (RocksDB) that follows a log.

The log, a changelog topic or a table of redo records, is durable first. The store keeps the newest value of
each key and the position in the log that its rows reach, written as one. So it needs no log of its own:
what a crash takes from its memory is read from the log again, from its position on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
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
    WriteBatch,
    WriteBufferManager,
    WriteOptions,
)

from stream_app.errors import StateError

log = logging.getLogger(__name__)

MEBIBYTE = 1_048_576
BLOCK_CACHE_BYTES = 64 * MEBIBYTE
# A reader opens files by a list that a writer may have replaced meanwhile; the next list is good again.
OPENINGS = 10

Change = tuple[bytes, bytes | None]

WITHOUT_LOG = WriteOptions()
WITHOUT_LOG.disable_wal = True


class RowStore:
    """The rows in one folder, and at `position_key`, which is no row's, the position that they reach.

    Raises:
        StateError: the folder cannot be used, or the rows in it cannot be read.
    """

    def __init__(
        self, folder: Path, position_key: bytes, write_buffer_bytes: int, read_only: bool = False
    ) -> None:
        self._folder = folder
        self._position_key = position_key
        self._read_only = read_only
        self._options = database_options(write_buffer_bytes)
        if read_only:
            self._options.create_if_missing(False)
            self._options.set_max_open_files(-1)  # all are opened at once: the writer may delete any
        self._database = self._open()

    @property
    def position(self) -> int:
        """The position in the log that the rows reach; 0 where nothing was written yet."""
        found = self.get(self._position_key)
        return int(found) if found is not None else 0

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
            for key, row in scan(self._database):
                if key != self._position_key:
                    yield key, row
        except Exception as error:
            raise self._failure(error) from error

    def put(self, changes: Iterable[Change], position: int) -> None:
        """Take changes in, None for a removal, with the position that they reach: all of it or nothing."""
        try:
            self._database.write(write_batch(changes, self._position_key, position), WITHOUT_LOG)
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
        everything = CompactOptions()
        everything.set_bottommost_level_compaction(BottommostLevelCompaction.force())
        try:
            self._database.flush()
            self._database.compact_range(None, None, everything)
            # The list of files names keys of those that were there; it is written anew at opening.
            self._database.close()
        except Exception as error:
            raise self._failure(error) from error
        self._database = self._open()

    def close(self) -> None:
        """Make all durable and release the folder."""
        close_database(self._database)

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
            return Rdict(str(self._folder), options=self._options, access_type=access)
        except Exception as error:  # the binding knows no narrower one
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StateError:
        return StateError(f"the rows in {self._folder} cannot be used: {error}")


def write_batch(changes: Iterable[Change], position_key: bytes, position: int) -> WriteBatch:
    """Changes and the position in the log that they reach, to be written as one."""
    batch = WriteBatch(raw_mode=True)
    for key, row in changes:
        if row is None:
            batch.delete(key)
        else:
            batch.put(key, row)
    batch.put(position_key, str(position).encode())
    return batch


def scan(database: Rdict) -> Iterator[tuple[bytes, bytes]]:
    """All that a database holds in the order of the keys; raises its error where it is damaged."""
    entries = database.iter()
    entries.seek_to_first()
    while entries.valid():
        yield entries.key(), entries.value()
        entries.next()
    entries.status()  # an iteration that meets damage ends like any other


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
