"""What the pure core costs an event: decoding alone, and the whole step, on the simulator's stream.

    python tests/benchmarks/core_bench.py [--users 1000] [--days 7]

Microseconds of CPU time an event, the best of three passes; the models say nothing, so that the core alone
is timed. Beside them the time in which one million rounds of an empty loop run, to compare machines by.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import orjson

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.evaluation.examples import SilentRecommender, SilentTierModel
from stream_app.features.user_row import UserRow, encode_row
from stream_app.intake.decoding import decode
from stream_app.intake.wire import decode_event
from stream_app.learning.ports import Models
from stream_app.runtimes.common.intake import plain_intake
from stream_app.runtimes.common.memory import collect_seldom
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate

BATCH_RECORDS = 2_000
PASSES = 3
FOR_EVER = 1e12
LATER = 4e9  # whatever time the events have, they were received after it


def main() -> None:
    """Print the cost of each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=7)
    chosen = parser.parse_args()
    settings = SimulationSettings(users=chosen.users, days=chosen.days)
    values = [orjson.dumps(event) for event in simulate(settings)]
    privacy, rules = plain_intake().privacy, Rules()
    collect_seldom()
    print(f"{len(values):,} events of {sum(map(len, values)) / len(values):.0f} bytes")
    print(f"a million empty rounds     {_best(lambda: [None for _ in range(1_000_000)]) * 1e3:8.1f} ms")
    for name, run in (
        ("bytes to a typed event", lambda: [decode_event(value) for value in values]),
        ("decode, with all checks", lambda: [decode(value, LATER, privacy, rules) for value in values]),
        ("the whole step", lambda: _process(values, Rules())),
        ("without labels to learn", lambda: _process(values, Rules(outlook_interval=FOR_EVER))),
    ):
        print(f"{name:26} {_best(run) / len(values) * 1e6:8.1f} µs an event")
    sizes = sorted(len(encode_row(row)) for row in _process(values, Rules()).values())
    places = {f"p{share}": sizes[min(len(sizes) * share // 100, len(sizes) - 1)] for share in (50, 90, 99)}
    print(f"{len(sizes):,} rows, bytes: {places}, largest {sizes[-1]}")


def _process(values: list[bytes], rules: Rules) -> dict[str, UserRow]:
    rows = dict[str, UserRow]()
    partition, models = Partition(0, rules), Models(SilentTierModel(), SilentRecommender())
    intake = plain_intake()
    for first in range(0, len(values), BATCH_RECORDS):
        records = [
            Record(offset, None, value, LATER)
            for offset, value in enumerate(values[first : first + BATCH_RECORDS], first)
        ]
        result = step(partition, Batch(EVENTS.name, 0, records), rows, intake, models, rules, LATER)
        rows |= {user_key: row for user_key, row in result.rows.items() if row is not None}
    return rows


def _best(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(PASSES):
        begun_at = time.process_time()
        run()
        seconds.append(time.process_time() - begun_at)
    return min(seconds)


if __name__ == "__main__":
    main()
