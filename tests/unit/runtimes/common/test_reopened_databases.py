"""A database that is opened again has its filter and its cache: lookups are counted, not timed."""

import asyncio
import re
from pathlib import Path

import faust
import pytest
from rocksdict import Options

from stream_app.runtimes.common import row_store
from stream_app.runtimes.common.row_store import BLOCK_CACHE_BYTES, MEBIBYTE, RowStore, database_options
from stream_app.runtimes.common.timed_rows import no_times
from stream_app.runtimes.kafka.state import partition_databases
from stream_app.runtimes.kafka.state.partition_databases import PartitionDatabases

ROWS = [(b"user %05d" % number, b"a row of some length " * 20) for number in range(2_000)]
MISSING = [key + b"?" for key, _ in ROWS]
PARTITION = 3


class Counted:
    """Options that count what the databases opened with them do."""

    def __init__(self) -> None:
        self.made: list[Options] = []

    def options(self, *args: int) -> Options:
        options = database_options(*args)
        options.enable_statistics()
        self.made.append(options)
        return options

    def count(self, name: str) -> int:
        found = re.search(rf"^{re.escape(name)} COUNT : (\d+)$", self.made[-1].get_statistics(), re.MULTILINE)
        assert found is not None, name
        return int(found[1])


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    monkeypatch.setattr(row_store, "database_options", counted.options)
    monkeypatch.setattr(partition_databases, "database_options", counted.options)
    return counted


def test_a_row_store_opened_again_has_its_filter(tmp_path: Path, counted: Counted) -> None:
    for opening in range(3):
        store = RowStore(tmp_path, b"position", MEBIBYTE, read_only=opening == 2)
        if opening == 0:
            store.put(ROWS, 1)
        store.close()
    store = RowStore(tmp_path, b"position", MEBIBYTE)
    assert [store.get(key) for key in MISSING] == [None] * len(MISSING)
    assert counted.count("rocksdb.bloom.filter.useful") > 0.9 * len(MISSING)
    store.purge()
    before = counted.count("rocksdb.bloom.filter.useful")
    assert [store.get(key) for key in MISSING] == [None] * len(MISSING)
    assert counted.count("rocksdb.bloom.filter.useful") - before > 0.9 * len(MISSING)
    store.close()


def partition_databases_in(folder: Path) -> PartitionDatabases:
    app = faust.App("test", broker="kafka://127.0.0.1:1", datadir=str(folder))
    return PartitionDatabases("rocksdb://", app, app.Table("rows", partitions=8), times_of=no_times)


def test_a_partition_opened_again_has_its_filter_and_the_shared_cache(
    tmp_path: Path, counted: Counted
) -> None:
    databases = partition_databases_in(tmp_path)
    databases.put(PARTITION, ROWS, 1)
    asyncio.run(databases.stop())
    databases = partition_databases_in(tmp_path)
    databases.put(PARTITION, (), 2)
    database = databases.database(PARTITION)
    assert [database.get(key) for key in MISSING] == [None] * len(MISSING)
    assert counted.count("rocksdb.bloom.filter.useful") > 0.9 * len(MISSING)
    assert database.property_int_value("rocksdb.block-cache-capacity") == BLOCK_CACHE_BYTES
    asyncio.run(databases.stop())
