import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing import Pipe
from pathlib import Path
from random import Random

import pytest
from support.dying_replay import hold
from support.forked import fork

from stream_app.errors import StateError
from stream_app.features.user_row import UserRow, encode_row
from stream_app.runtimes.common.row_store import MEBIBYTE, RowStore
from stream_app.runtimes.embedded.output_table import FILE_NAME
from stream_app.runtimes.embedded.rows import FOLDER_NAME, POSITION_KEY
from stream_app.runtimes.embedded.store import Checkpoint, ReadPosition, Store
from stream_app.schemas.outputs import EngagementTier, SourcePosition, Tier

NOW = datetime(2024, 3, 4, tzinfo=UTC)


def tier(user: str) -> EngagementTier:
    source = SourcePosition(topic="t", partition=0, offset=1)
    return EngagementTier(
        id=user, user_key=user, as_of=NOW, emitted_at=NOW, source=source, tier=2, tier_name=Tier.MEDIUM,
        previous_tier=None, probabilities={}, valid_until=NOW, consent=["analytics"], control_group=None,
        reasons=[],
    )  # fmt: skip


def checkpoint(*users: str, position: int = 1) -> Checkpoint:
    return Checkpoint(
        rows={(0, user): UserRow(tier=2, traits={"about": "x" * 500}) for user in users},
        outputs=[tier(user) for user in users],
        partitions={0: b"meta"},
        sources={"source": ReadPosition(position, 5.0)},
        models={"model": b"snapshot"},
    )


def contents(store: Store) -> tuple[object, ...]:
    return (
        list(store.rows()),
        list(store.outputs()),
        store.partitions(),
        store.source_position("source"),
        store.snapshot("model"),
    )


def row_store(folder: Path) -> RowStore:
    return RowStore(folder / FOLDER_NAME, POSITION_KEY, MEBIBYTE)


def test_a_checkpoint_is_read_back_after_a_restart(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write(checkpoint("a", "b"))
        written = contents(store)
    with Store(tmp_path) as store:
        assert contents(store) == written
        assert store.row(0, "a") == UserRow(tier=2, traits={"about": "x" * 500})
        assert store.row(1, "a") is None
        assert store.source_position("source") == (1, 5.0)
        assert store.source_position("another") == (0, None)
        assert store.output_counts() == {"engagement_tier": 2}
        assert list(store.outputs("recommendations")) == []
        assert [EngagementTier.model_validate_json(body) for body in store.outputs()] == [
            tier("a"),
            tier("b"),
        ]


def test_user_keys_may_be_any_text(tmp_path: Path) -> None:
    users = ["nul\x00l", "'; DROP TABLE users; --", "\u0000", "é\U0001f600"]
    with Store(tmp_path) as store:
        store.write(checkpoint(*users))
        assert {user for _, user, _ in store.rows()} == set(users)
        assert all(store.row(0, user) is not None for user in users)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write(checkpoint("a"))
        before = contents(store)
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        many = checkpoint(*(f"user-{number}" for number in range(500)), position=2)
        with pytest.raises(StateError, match="could not be written: database or disk is full"):
            store.write(many)
        assert contents(store) == before
    with Store(tmp_path) as store:
        assert contents(store) == before
        store.write(many)
        assert len(list(store.rows())) == 501


def test_a_folder_serves_one_writer_and_any_readers(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write(checkpoint("a"))
        with pytest.raises(StateError, match="in use by another process"):
            Store(tmp_path)
        with Store(tmp_path, read_only=True) as reader:
            assert len(list(reader.rows())) == 1
    with Store(tmp_path):
        pass


def test_a_folder_held_by_another_process_is_refused_until_that_is_gone(tmp_path: Path) -> None:
    ours, theirs = Pipe()
    holder = fork(hold, tmp_path, theirs)
    assert ours.recv() == "held"
    with pytest.raises(StateError, match="in use"):
        Store(tmp_path)
    holder.kill()
    holder.join()
    with Store(tmp_path):
        pass


def test_another_format_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store._connection.execute(
            "UPDATE facts SET value = x'3939', checksum = checksum(name, x'3939') WHERE name = 'format'"
        )
    for read_only in (False, True):
        with pytest.raises(StateError, match="format 99, this program reads"):
            Store(tmp_path, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StateError, match="cannot be used as a data folder"):
        Store(tmp_path, read_only=read_only)


def test_a_foreign_database_cannot_be_read_as_a_store(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / FILE_NAME).execute("CREATE TABLE other (x)").connection.commit()
    with pytest.raises(StateError, match="no such table: facts"):
        Store(tmp_path, read_only=True)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot be used as a data folder"):
        Store(tmp_path / "file")


def test_reading_where_nothing_was_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="stream-app replay"):
        Store(tmp_path / "nothing", read_only=True)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("data", [b"\x93\x01", b"garbage"])
def test_a_damaged_row_is_told_of(tmp_path: Path, data: bytes) -> None:
    with Store(tmp_path) as store:
        store.write(checkpoint("a"))
    with closing(row_store(tmp_path)) as rows:
        rows.put([(key, data) for key, _ in list(rows.items())], rows.position)
    with Store(tmp_path) as store:
        with pytest.raises(StateError, match="row of a"):
            store.row(0, "a")
        with pytest.raises(StateError, match="row of a"):
            list(store.rows())


def test_rows_are_read_by_partition_and_user_also_where_only_the_log_has_them(tmp_path: Path) -> None:
    places = [(0, "b"), (0, "d"), (1, ""), (1, "c"), (300, "a"), (300, "é"), (70_000, "a")]
    held: dict[tuple[int, str], UserRow | None] = {}
    chance = Random(3)
    with Store(tmp_path) as store:
        for number in range(40):
            rows = {place: None if chance.random() < 0.3 else UserRow(tier=number) for place in places}
            chosen = chance.sample(places, 3)
            store.write(Checkpoint({place: rows[place] for place in chosen}, [], {}, {}, {}))
            held.update((place, rows[place]) for place in chosen)
            if number % 7 == 0:
                store.purge()
            with Store(tmp_path, read_only=True) as reader:
                expected = [(*place, row) for place, row in sorted(held.items()) if row is not None]
                assert list(reader.rows()) == list(store.rows()) == expected
                assert all(reader.row(*place) == store.row(*place) == held.get(place) for place in places)


def test_a_reader_goes_on_seeing_the_checkpoint_that_it_began_with(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write(checkpoint("a", "b"))
        with Store(tmp_path, read_only=True) as reader:
            seen = contents(reader)
            store.write(checkpoint("b", "c", position=2))
            assert contents(reader) == seen


def test_rows_are_dropped_from_the_log_once_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def logged() -> int:
        return int(store._connection.execute("SELECT count(*) FROM redo").fetchone()[0])

    monkeypatch.setattr("stream_app.runtimes.embedded.rows.KEPT_REDO_BYTES", 3_000)
    with Store(tmp_path) as store:
        counts = []
        for number in range(8):
            store.write(checkpoint(f"user-{number}"))
            counts.append(logged())
        assert max(counts) > 1
        assert counts.count(0) >= 1
        before = contents(store)
    with Store(tmp_path) as store:
        assert contents(store) == before


@pytest.mark.parametrize("lost", ["rows", "file"])
def test_rows_that_do_not_go_with_the_rest_are_refused(tmp_path: Path, lost: str) -> None:
    with Store(tmp_path / "new") as store:
        store.write(checkpoint("a"))
        shutil.copytree(tmp_path / "new", tmp_path / "old")
        store.write(checkpoint("b", position=2))
        store.purge()
    if lost == "rows":
        shutil.rmtree(tmp_path / "new" / FOLDER_NAME)
    else:
        shutil.copy(tmp_path / "old" / FILE_NAME, tmp_path / "new" / FILE_NAME)
        shutil.copy(tmp_path / "old" / f"{FILE_NAME}-wal", tmp_path / "new" / f"{FILE_NAME}-wal")
    with pytest.raises(StateError, match="does not go with the rest"):
        Store(tmp_path / "new")


FORMAT_1 = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO facts VALUES ('format', x'31');
CREATE TABLE users (
    partition INTEGER NOT NULL, user_key TEXT NOT NULL, row BLOB NOT NULL, PRIMARY KEY (partition, user_key)
) WITHOUT ROWID;
CREATE TABLE partitions (number INTEGER PRIMARY KEY, meta BLOB NOT NULL);
INSERT INTO partitions VALUES (0, x'01');
"""


def test_a_folder_with_its_rows_in_sqlite_is_taken_over(tmp_path: Path) -> None:
    rows = [(number % 3, f"user-{number}", UserRow(tier=number)) for number in range(2_500)]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as written:
        written.executescript(FORMAT_1)
        written.executemany("INSERT INTO users VALUES (?, ?, ?)", [(*r[:2], encode_row(r[2])) for r in rows])
        written.commit()
    with pytest.raises(StateError, match="stream-app replay"):
        Store(tmp_path, read_only=True)
    for _ in range(2):
        with Store(tmp_path) as store:
            assert list(store.rows()) == sorted(rows, key=lambda row: row[:2])
            assert store.partitions() == {0: b"\x01"}
    assert b"user-7" not in (tmp_path / FILE_NAME).read_bytes()
