"""How many bytes the rows of the simulator's population take, and which fields take them.

Run `python tests/benchmarks/row_bench.py --users 1500 --days 14 [--json]`. The core takes the whole stream in
batches; then each row is measured as it is stored. Fields are told for the largest hundredth of the rows.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.user_row import UserRow, encode_row
from stream_app.features.windows import WINDOWS
from stream_app.settings.rules import Rules
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate
from stream_app.testing import INTAKE, FixedModels

AIM = 4_096
BATCH = 500
_encode = msgspec.msgpack.Encoder().encode


def simulated_records(settings: SimulationSettings) -> Iterator[Record]:
    """The simulator's events in order of arrival."""
    for offset, event in enumerate(simulate(settings)):
        received_at = datetime.fromisoformat(event["receivedAt"]).timestamp()
        yield Record(offset, None, orjson.dumps(event), received_at)


def fill_rows(settings: SimulationSettings) -> tuple[dict[str, UserRow], int]:
    """The rows after the whole stream, and how many events it had."""
    rules, models = Rules(), FixedModels().models
    partition = Partition(0, rules)
    rows: dict[str, UserRow] = {}
    events = 0
    records = simulated_records(settings)
    while batch := list(islice(records, BATCH)):
        result = step(
            partition, Batch("events", 0, batch), rows, INTAKE, models, rules, batch[-1].received_at
        )
        rows |= {user_key: row for user_key, row in result.rows.items() if row is not None}
        events += len(batch)
    return rows, events


def field_bytes(row: UserRow) -> dict[str, int]:
    """The bytes of each field of a row; the tiles by window."""
    sizes = {name: len(_encode(getattr(row, name))) for name in row.__struct_fields__ if name != "tiles"}
    for window, tiles in zip(WINDOWS, row.tiles, strict=True):
        sizes[f"tiles {window.name}"] = len(_encode(tiles))
    return sizes


def measure(users: int, days: int, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Percentiles of the rows' sizes, and the mean bytes of each field in the largest hundredth."""
    rows, events = fill_rows(SimulationSettings(users=users, days=days, seed=seed))
    sizes = {user_key: len(encode_row(row)) for user_key, row in rows.items()}
    measured = np.array(list(sizes.values()))
    p99 = float(np.percentile(measured, 99))
    largest = [rows[user_key] for user_key, size in sizes.items() if size >= p99]
    fields: Counter[str] = Counter()
    for row in largest:
        fields.update(field_bytes(row))
    figures = {
        "events": events,
        "rows": len(rows),
        "p50": float(np.percentile(measured, 50)),
        "p90": float(np.percentile(measured, 90)),
        "p99": p99,
        "max": int(measured.max()),
        "rows_over_aim": int((measured > AIM).sum()),
    }
    return figures, {name: round(size / len(largest), 1) for name, size in fields.most_common()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_500)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    arguments = parser.parse_args()
    figures, fields = measure(arguments.users, arguments.days, arguments.seed)
    if arguments.json:
        print(json.dumps({**figures, "fields_of_largest": fields}))
        return
    for name, figure in figures.items():
        print(f"{name:>24} {figure:,}")
    print("mean bytes of each field in the largest hundredth of the rows:")
    for name, size in fields.items():
        print(f"{name:>24} {size:,}")


if __name__ == "__main__":
    main()
