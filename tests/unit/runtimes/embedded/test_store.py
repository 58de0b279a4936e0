import multiprocessing
import sqlite3
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from schemas.outputs import EngagementTier, SourcePosition, Tier
from stream_app.core.user_row import UserRow
from stream_app.errors import StateError
from stream_app.runtimes.embedded.store import FILE_NAME, Checkpoint, ReadPosition, Store

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
        assert store.user_count() == 501


def test_a_folder_serves_one_writer_and_any_readers(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write(checkpoint("a"))
        with pytest.raises(StateError, match="in use by another process"):
            Store(tmp_path)
        with Store(tmp_path, read_only=True) as reader:
            assert reader.user_count() == 1
    with Store(tmp_path):
        pass


def hold(folder: Path, told: Connection) -> None:
    with Store(folder):
        told.send("held")
        told.recv()


def test_a_folder_held_by_another_process_is_refused_until_that_is_gone(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("fork")
    ours, theirs = processes.Pipe()
    holder = processes.Process(target=hold, args=(tmp_path, theirs))
    holder.start()
    assert ours.recv() == "held"
    with pytest.raises(StateError, match="in use"):
        Store(tmp_path)
    holder.kill()
    holder.join()
    with Store(tmp_path):
        pass


def test_another_format_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store._connection.execute("UPDATE facts SET value = x'3939' WHERE name = 'format'")
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
    with pytest.raises(StateError, match="cannot be used as a data folder"):
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
        store._connection.execute("UPDATE users SET row = ?", (data,))
        with pytest.raises(StateError, match="row of a"):
            store.row(0, "a")
        with pytest.raises(StateError, match="row of a"):
            list(store.rows())
