"""Tables of a data folder, read again by another library: every row is there, once."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pyarrow.dataset
import pytest

from stream_app.errors import StateError
from stream_app.folder import tables
from stream_app.folder.opening import open_replay
from stream_app.folder.tables import USERS, write_tables
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings
from stream_app.testing.events import page, track

DAY = 86_400


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tabled")
    events = [
        page(user, day * DAY + number, item=f'it"em,{number}\n')
        for day in range(3)
        for number, user in enumerate(("ann", "bob", "cat"))
    ]
    with open_replay(folder, Settings(), Metrics()) as (_, _, replay):
        replay.process([*events, track("ann", 3 * DAY, "Order Completed", {"order_id": "o", "revenue": 5})])
        replay.finish()
    return folder


def read(folder: Path, form: str) -> list[dict[str, Any]]:
    if form == "parquet":
        parts = pyarrow.dataset.dataset(folder, format="parquet", partitioning="hive")
        return parts.to_table().to_pylist()
    return [
        row | {"day": path.parent.name.removeprefix("day=")}
        for path in folder.rglob("*.csv")
        for row in csv.DictReader(path.open(newline=""))
    ]


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("part_rows", [1, 4, 50_000])
def test_every_output_and_user_is_in_a_table_once(
    part_rows: int, form: Any, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "PART_ROWS", part_rows)
    with Store(filled, read_only=True) as store:
        counts = write_tables(store, tmp_path / "out", form)
        outputs = [orjson.loads(body) for body in store.outputs()]
        users = {key for _, key, row in store.rows() if not row.merged_into}
    by_schema = Counter(output["schema_name"] for output in outputs)
    assert counts == {USERS: len(users), **by_schema}
    for schema, count in by_schema.items():
        rows = read(tmp_path / "out" / schema, form)
        assert len(rows) == count
        found = {(row["id"], row["user_key"], row["as_of"], str(row["day"])) for row in rows}
        assert found == {
            (output["id"], output["user_key"], output["as_of"], output["as_of"][:10])
            for output in outputs
            if output["schema_name"] == schema
        }
    assert {row["user_key"] for row in read(tmp_path / "out" / USERS, form)} == users


def test_a_folder_that_is_there_is_left_alone(filled: Path, tmp_path: Path) -> None:
    with Store(filled, read_only=True) as store, pytest.raises(StateError, match="already"):
        write_tables(store, tmp_path, "csv")
