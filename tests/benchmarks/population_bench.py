"""Whether cost stays flat: the embedded runtime with ten thousand users and with a million.

    python tests/benchmarks/population_bench.py [--users 10000 1000000] [--events 40000]

Each population gets a process and a folder of its own. The folder is filled with rows that the simulator's
users have after a fortnight, under other keys. Then two streams are replayed: users come to visits of ten
events and to four events a day, whatever the population, so that time goes by faster where they are few; and,
as bad as it can be, every event is of a user taken at random, fifty a second.

Printed are events a second by the clock and the process's CPU time; the CPU time that each step of a row's
way through the store takes of its thread, and that the store's own threads take; and the peak of memory.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import wraps
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import orjson

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.intake import plain_intake
from stream_app.runtimes.common.memory import collect_seldom
from stream_app.runtimes.common.row_store import RowStore
from stream_app.runtimes.embedded import rows
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import DAY, Rules
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate
from stream_app.testing import FixedModels, RecordedSource

ARCHETYPES = 1_000
FILLED_AT_ONCE = 20_000
EVENTS_PER_USER_AND_DAY = 4
VISIT_EVENTS = 10
SECONDS_WITHIN_VISIT = 30.0
SECONDS_BETWEEN_STRANGERS = 0.02
LATER = 4e9
# What a row goes through, by whose call it is measured; "log" and "put" contain no other of them.
WAYS: tuple[tuple[str, Any, str], ...] = (
    ("get", RowStore, "get"),
    ("decode", rows, "decode_row"),
    ("encode", rows, "encode_row"),
    ("log", rows.LoggedRows, "_append"),
    ("put", RowStore, "put"),
    ("flush", RowStore, "flush"),
)
Stream = Iterator[tuple[float, int]]


def main() -> None:
    """Run each population in a process of its own, and print the ratios of the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--fill", type=Path, help="(used by the processes themselves)")
    parser.add_argument("--folder", type=Path, help="(used by the processes themselves)")
    chosen = parser.parse_args()
    if chosen.fill is not None:
        _fill(chosen.fill, chosen.users[0])
        return
    if chosen.folder is not None:
        print(orjson.dumps(_measure(chosen.folder, chosen.users[0], chosen.events)).decode())
        return
    found = []
    for users in chosen.users:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--users", str(users), "--events", str(chosen.events)]
            subprocess.run([*command, "--fill", folder], check=True)
            printed = subprocess.run([*command, "--folder", folder], check=True, capture_output=True).stdout
        found.append(orjson.loads(printed.splitlines()[-1]))
        _print(users, found[-1])
    for stream in ("visits", "strangers"):
        first, last = found[0][stream], found[-1][stream]
        print(
            f"{stream}: the last rate is {last['rate'] / first['rate']:.2f} of the first by the clock, "
            f"{first['cpu_us'] / last['cpu_us']:.2f} by CPU time; the store takes "
            f"{_store_us(last) - _store_us(first):.1f} µs an event more"
        )


def _print(users: int, found: dict[str, Any]) -> None:
    print(f"{users:,} users: opened in {found['opening']:.1f} s of CPU, {found['megabytes']:,.0f} MB at most")
    for stream in ("visits", "strangers"):
        of = found[stream]
        print(
            f"  {stream}: {of['rate']:,.0f} events/s, {of['cpu_us']:.0f} µs CPU an event; the store's part:"
        )
        for name, (calls, microseconds) in of["ways"].items():
            if calls:
                print(f"    {name:<7}{calls:>8,} times, {microseconds / calls:>9.1f} µs each")
        print(
            f"    own threads {of['background_us']:.1f} µs an event, in all {_store_us(of):.1f} µs an event"
        )


def _store_us(found: dict[str, Any]) -> float:
    in_calls = sum(microseconds for _, microseconds in found["ways"].values())
    return float(in_calls / found["events"] + found["background_us"])


def _fill(folder: Path, users: int) -> None:
    archetypes, meta = _archetypes()
    with Store(folder) as store:
        for first in range(0, users, FILLED_AT_ONCE):
            numbers = range(first, min(first + FILLED_AT_ONCE, users))
            filled = {(0, _key(number)): archetypes[number % len(archetypes)] for number in numbers}
            store.write(Checkpoint(rows=filled, outputs=[], partitions={0: meta}, sources={}, models={}))


def _archetypes() -> tuple[list[UserRow], bytes]:
    rules, made = Rules(), dict[str, UserRow]()
    partition, models = Partition(0, rules), FixedModels().models
    settings = SimulationSettings(users=ARCHETYPES, days=14)
    values = [orjson.dumps(event) for event in simulate(settings)]
    records = [Record(offset, None, value, LATER) for offset, value in enumerate(values)]
    result = step(partition, Batch(EVENTS.name, 0, records), made, plain_intake(), models, rules, LATER)
    kept = [decode_row(encode_row(row)) for row in result.rows.values() if row is not None and row.first_at]
    return kept, partition.encode_meta()


def _measure(folder: Path, users: int, events: int) -> dict[str, Any]:
    with Store(folder) as store:
        collect_seldom()
        begun = time.process_time()
        replay = Replay(store, FixedModels(), Rules(), Metrics(), lambda: LATER)
        found: dict[str, Any] = {"opening": time.process_time() - begun}
        at = Partition(0, Rules(), store.partitions()[0]).meta.highest_at
        streams = {"visits": _visits(users, at), "strangers": _strangers(users, at + DAY * events / users)}
        for name, stream in streams.items():
            values = [_event(name, number, *next(stream)) for number in range(events)]
            found[name] = _replay(replay, RecordedSource(values, name))
    found["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def _replay(replay: Replay, source: RecordedSource) -> dict[str, Any]:
    events = len(source.values)
    ways = {name: [0, 0.0] for name, _, _ in WAYS}
    with ExitStack() as patches:
        for name, owner, attribute in WAYS:
            timed = _timed(getattr(owner, attribute), ways[name])
            patches.enter_context(mock.patch.object(owner, attribute, timed))
        clocks = time.perf_counter(), time.process_time(), time.thread_time()
        replay.run(source, lambda *_: None)
        seconds, of_process, of_thread = (
            clock() - begun
            for clock, begun in zip(
                (time.perf_counter, time.process_time, time.thread_time), clocks, strict=True
            )
        )
    return {
        "events": events,
        "rate": events / seconds,
        "cpu_us": of_process * 1e6 / events,
        "background_us": (of_process - of_thread) * 1e6 / events,
        "ways": ways,
    }


def _timed(work: Callable[..., Any], total: list[float]) -> Callable[..., Any]:
    @wraps(work)
    def timed(*arguments: Any) -> Any:
        begun = time.thread_time_ns()
        result = work(*arguments)
        total[1] += (time.thread_time_ns() - begun) / 1000
        total[0] += 1
        return result

    return timed


def _visits(users: int, begun: float) -> Stream:
    """Times and users: visits begin evenly, at random users', and are interleaved."""
    random = Random(1)
    apart = DAY * VISIT_EVENTS / (users * EVENTS_PER_USER_AND_DAY)
    visits: list[tuple[float, int, int]] = []
    starts = ((begun + number * apart, 0, random.randrange(users)) for number in count())
    coming = next(starts)
    while True:
        while not visits or coming[0] <= visits[0][0]:
            heappush(visits, coming)
            coming = next(starts)
        at, done, user = heappop(visits)
        yield at, user
        if done + 1 < VISIT_EVENTS:
            heappush(visits, (at + SECONDS_WITHIN_VISIT, done + 1, user))


def _strangers(users: int, begun: float) -> Stream:
    random = Random(2)
    return ((begun + number * SECONDS_BETWEEN_STRANGERS, random.randrange(users)) for number in count())


def _event(stream: str, number: int, at: float, user: int) -> bytes:
    page = {"url": f"https://shop.example.com/{number % 500}", "path": f"/{number % 500}"}
    return orjson.dumps(
        {
            "type": "page",
            "messageId": f"{stream}-{number}",
            "userId": _key(user),
            "timestamp": at,
            "properties": {"product_id": f"p{number * 7919 % 400}", "category": "tea"},
            "context": {"page": page, "device": {"type": "mobile"}},
        }
    )


def _key(number: int) -> str:
    return f"user-{number:08d}"


if __name__ == "__main__":
    main()
