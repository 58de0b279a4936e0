import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.dying_replay import fill_a_disk, in_a_process
from support.planted import found_in

from stream_app.errors import StateError
from stream_app.runtimes.common.row_store import MEBIBYTE, RowStore
from stream_app.runtimes.common.timed_rows import TIMES_POSITION_KEY, Change

POSITION_KEY = b"position"
ROW = b"a row of some length " * 20


@contextlib.contextmanager
def opened(folder: Path, read_only: bool = False) -> Iterator[RowStore]:
    store = RowStore(folder, POSITION_KEY, MEBIBYTE, read_only)
    try:
        yield store
    finally:
        store.close()


def random_changes(seed: int, count: int) -> list[Change]:
    """Rows short and long of few keys, some removed, so that the order of the changes matters."""
    chance = random.Random(seed)
    return [
        (
            b"key %d" % chance.randrange(300),
            None if chance.random() < 0.2 else chance.randbytes(chance.choice([3, 2_000])),
        )
        for _ in range(count)
    ]


def test_it_holds_the_newest_of_each_key_before_and_after_a_restart(tmp_path: Path) -> None:
    held: dict[bytes, bytes | None] = {}
    for round_number in range(4):
        with opened(tmp_path) as store:
            assert store.position == round_number
            assert list(store.items()) == sorted((key, row) for key, row in held.items() if row is not None)
            changes = random_changes(round_number, 2_000)
            held.update(changes)
            store.put(changes, round_number + 1)
            if round_number % 2:
                store.flush()
            assert all(store.get(b"key %d" % number) == held.get(b"key %d" % number) for number in range(301))
            assert list(store.items()) == sorted((key, row) for key, row in held.items() if row is not None)


def test_a_reader_beside_a_writer_sees_a_state_that_there_was(tmp_path: Path) -> None:
    """Whatever the writer merges, deletes or writes anew while it is read."""
    with opened(tmp_path) as writer:
        writer.put([(b"key", ROW)], 1)
        writer.flush()
        for position in range(2, 30):
            with opened(tmp_path, read_only=True) as reader:
                assert reader.position == position - 1
                entries = reader.items()
                writer.put([(b"key %d" % number, ROW + b"%d" % position) for number in range(50)], position)
                writer.purge() if position % 3 else writer.flush()
                assert {row.removeprefix(ROW) for _, row in entries} <= {b"", b"%d" % (position - 1)}


def test_a_reader_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be used"), opened(tmp_path / "none", read_only=True):
        pass
    with opened(tmp_path) as store:
        store.put([(b"key", ROW)], 1)
    with opened(tmp_path, read_only=True) as reader, pytest.raises(StateError, match="cannot be used"):
        reader.put([(b"key", ROW)], 2)


def test_nothing_of_what_was_removed_or_replaced_is_left_after_a_purge(tmp_path: Path) -> None:
    def row(text: str, number: int) -> Change:
        return b"%s-%d" % (text.encode(), number), b"%s's row " % text.encode() * 50

    with opened(tmp_path) as store:
        for position, text in enumerate(["erased", "kept", "erased"], start=1):
            store.put([row(text, number) for number in range(200)], position)
            store.flush()
        store.put([(b"erased-%d" % number, None) for number in range(200)], 4)
        store.put([(b"short", b"old"), (b"short", b"new")], 5)
        assert found_in(tmp_path, ["erased", "kept"]) == {"erased", "kept"}
        store.purge()
        assert found_in(tmp_path, ["erased", "kept"]) == {"kept"}
        kept = {b"short"} | {b"kept-%d" % number for number in range(200)}
        assert [key for key, _ in store.items()] == sorted(kept)
        assert store.position == 5
        store.put([row("later", 1)], 6)
    with opened(tmp_path) as store:
        assert store.get(b"later-1") is not None


def test_a_folder_serves_one_writer(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(StateError, match="cannot be used"), opened(tmp_path):
        pass


def test_a_start_reads_rows_only_where_their_times_are_missing(tmp_path: Path) -> None:
    read: list[bytes] = []

    def times_of(key: bytes, row: bytes) -> bytes:
        read.append(key)
        return row[:3]

    def started() -> list[tuple[bytes, bytes]]:
        store = RowStore(tmp_path, POSITION_KEY, MEBIBYTE, times_of=times_of)
        try:
            return store.times(b"key")
        finally:
            store.close()

    rows = [(b"key %d" % number, b"row %d" % number) for number in range(3)]
    with opened(tmp_path) as store:
        store.put(rows, 1)  # their times are taken for all there are
    assert started() == read == []  # type: ignore[comparison-overlap]
    with opened(tmp_path) as store:
        store._database.delete(TIMES_POSITION_KEY)  # as if by a program of before
    for _ in range(2):
        assert started() == [(key, b"row") for key, _ in rows]
        assert read == [key for key, _ in rows]


def test_damage_is_told_of(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        rows = {b"key %d" % number: ROW for number in range(100)}
        store.put(rows.items(), 1, times=rows)
    [run] = tmp_path.glob("*.sst")
    data = bytearray(run.read_bytes())
    for first in (1_000, len(data) * 3 // 4):  # among the rows, and among the times behind them
        data[first : first + 100] = bytes(100)
    run.write_bytes(data)
    with opened(tmp_path) as store:
        with pytest.raises(StateError, match="cannot be used"):
            [store.get(b"key %d" % number) for number in range(100)]
        with pytest.raises(StateError, match="cannot be used"):
            list(store.items())
        with pytest.raises(StateError, match="cannot be used"):
            store.times(b"key")


def test_a_full_disk_is_told_of_and_leaves_what_was_flushed(tmp_path: Path) -> None:
    assert in_a_process(fill_a_disk, tmp_path) == 0
    with opened(tmp_path) as store:
        assert store.position == 1
        assert [key for key, _ in store.items()] == [b"flushed"]
