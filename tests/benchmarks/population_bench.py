"""Whether cost stays flat: the embedded runtime with ten thousand users and with a million.

    python tests/benchmarks/population_bench.py [--users 10000 1000000] [--events 60000]

Each population gets a process and a folder of its own. The folder is filled with rows that the simulator's
users have after a fortnight, under other keys; then events of users taken at random are replayed. Printed
are events a second of the replay, and the peak of the process's memory from its start on.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson

from schemas.topics import EVENTS
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rules import Rules
from stream_app.core.step import step
from stream_app.core.user_row import UserRow, decode_row, encode_row
from stream_app.intake import plain_intake
from stream_app.memory import collect_seldom
from stream_app.metrics import Metrics
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate
from stream_app.testing import FixedModels, RecordedSource

ARCHETYPES = 1_000
FILLED_AT_ONCE = 20_000
SECONDS_BETWEEN_EVENTS = 0.02
LATER = 4e9


def main() -> None:
    """Run each population in a process of its own, and print the ratio of the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--folder", type=Path, help="(used by the processes themselves)")
    chosen = parser.parse_args()
    if chosen.folder is not None:
        rate, megabytes = _replay(chosen.folder, chosen.users[0], chosen.events)
        print(orjson.dumps({"rate": rate, "megabytes": megabytes}).decode())
        return
    rates = []
    for users in chosen.users:
        with tempfile.TemporaryDirectory() as folder:
            _fill(Path(folder), users)
            command = [sys.executable, __file__, "--users", str(users), "--events", str(chosen.events)]
            printed = subprocess.run([*command, "--folder", folder], check=True, capture_output=True).stdout
        found = orjson.loads(printed.splitlines()[-1])
        rates.append(found["rate"])
        print(f"{users:>9,} users: {found['rate']:,.0f} events/s, peak memory {found['megabytes']:,.0f} MB")
    print(f"the last rate is {rates[-1] / rates[0]:.2f} of the first")


def _fill(folder: Path, users: int) -> None:
    archetypes, meta = _archetypes()
    with Store(folder) as store:
        for first in range(0, users, FILLED_AT_ONCE):
            numbers = range(first, min(first + FILLED_AT_ONCE, users))
            rows = {(0, _key(number)): archetypes[number % len(archetypes)] for number in numbers}
            store.write(Checkpoint(rows=rows, outputs=[], partitions={0: meta}, sources={}, models={}))


def _archetypes() -> tuple[list[UserRow], bytes]:
    rules, rows = Rules(), dict[str, UserRow]()
    partition, models = Partition(0, rules), FixedModels().models
    settings = SimulationSettings(users=ARCHETYPES, days=14)
    values = [orjson.dumps(event) for event in simulate(settings)]
    records = [Record(offset, None, value, LATER) for offset, value in enumerate(values)]
    result = step(partition, Batch(EVENTS.name, 0, records), rows, plain_intake(), models, rules, LATER)
    kept = [decode_row(encode_row(row)) for row in result.rows.values() if row is not None and row.first_at]
    return kept, partition.encode_meta()


def _replay(folder: Path, users: int, events: int) -> tuple[float, float]:
    with Store(folder) as store:
        begun = Partition(0, Rules(), store.partitions()[0]).meta.highest_at
        collect_seldom()
        replay = Replay(store, FixedModels(), Rules(), Metrics(), lambda: LATER)
        values = list(_events(users, events, begun))
        started_at = time.perf_counter()
        replay.run(RecordedSource(values), lambda *_: None)
        seconds = time.perf_counter() - started_at
    return events / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _events(users: int, events: int, begun: float) -> Iterator[bytes]:
    random = Random(1)
    for number in range(events):
        page = {"url": f"https://shop.example.com/{number % 500}", "path": f"/{number % 500}"}
        yield orjson.dumps(
            {
                "type": "page",
                "messageId": f"m{number}",
                "userId": _key(random.randrange(users)),
                "timestamp": begun + number * SECONDS_BETWEEN_EVENTS,
                "properties": {"product_id": f"p{random.randrange(400)}", "category": "tea"},
                "context": {"page": page, "device": {"type": "mobile"}},
            }
        )


def _key(number: int) -> str:
    return f"user-{number:08d}"


if __name__ == "__main__":
    main()
