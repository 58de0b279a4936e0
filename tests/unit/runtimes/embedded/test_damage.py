"""Bytes that flip on disk: nobody reads another value than was written, and `check` finds the place."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from stream_app.cli.check import find_all
from stream_app.errors import StateError
from stream_app.features.user_row import UserRow, encode_row
from stream_app.runtimes.embedded.output_table import FILE_NAME
from stream_app.runtimes.embedded.store import Checkpoint, ReadPosition, Store
from stream_app.schemas.export import SCHEMA_FOLDER
from stream_app.schemas.outputs import EngagementTier

FLIPS = 120
TIER = EngagementTier.model_validate_json(
    (SCHEMA_FOLDER.parent / "examples/engagement.tiers.v1/risen.json").read_text()
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "data"
    with Store(folder) as store:
        for round_number in range(3):
            users = [f"user-{round_number}-{number}" for number in range(20)]
            store.write(
                Checkpoint(
                    rows={(0, user): UserRow(tier=2) for user in users},
                    outputs=[TIER.model_copy(update={"user_key": user}) for user in users],
                    partitions={0: b"meta %d" % round_number},
                    sources={"source": ReadPosition(round_number, 5.0)},
                    models={"model": os.urandom(6_000)},
                )
            )
    return folder


def contents(folder: Path) -> list[object]:
    with Store(folder, read_only=True) as store:
        return [
            list(store.outputs()),
            store.output_counts(),
            list(store.outputs("engagement_tier")),
            [(place, user, encode_row(row)) for place, user, row in store.rows()],
            store.partitions(),
            store.source_position("source"),
            store.snapshot("model"),
            list(store.erasures()),
        ]


def damaged(written: Path, folder: Path) -> Iterator[Path]:
    """The folder with one byte of its SQLite file changed, another each time."""
    random = Random(4)
    good = (written / FILE_NAME).read_bytes()
    shutil.copytree(written, folder)
    for _ in range(FLIPS):
        place = random.randrange(len(good))
        changed = bytearray(good)
        changed[place] ^= 1 << random.randrange(8)
        for log in folder.glob(f"{FILE_NAME}-*"):
            log.unlink()
        (folder / FILE_NAME).write_bytes(changed)
        yield folder


def test_a_flipped_byte_is_told_of_or_changes_nothing(written: Path, tmp_path: Path) -> None:
    good = contents(written)
    assert find_all(written) == ([], 2)
    told = 0
    for folder in damaged(written, tmp_path / "damaged"):
        try:
            read: list[object] | None = contents(folder)
        except StateError:
            read = None
        assert read in (None, good)
        if read is None:
            told += 1
            assert find_all(folder)[0]
    assert told > FLIPS / 3


def test_damaged_rows_are_found(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "damaged")
    [table] = (tmp_path / "damaged" / "rows").glob("*.sst")
    data = bytearray(table.read_bytes())
    data[len(data) // 3] ^= 1
    table.write_bytes(data)
    findings, _ = find_all(tmp_path / "damaged")
    assert "Corruption" in findings[0]
    with pytest.raises(StateError, match="holds no data"):
        find_all(tmp_path / "empty")


def test_a_data_folder_is_its_owner_s_alone(written: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(written, older)
    for path in [older, *older.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    Store(older).close()
    for folder in (written, older):
        assert folder.stat().st_mode & 0o777 == 0o700
        for path in folder.rglob("*"):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
