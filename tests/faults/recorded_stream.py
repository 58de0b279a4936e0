"""The stream that every run of the harness takes: simulated once, and kept in the temporary folder."""

import os
import tempfile
from itertools import islice
from pathlib import Path
from random import Random

import msgspec
import orjson

from stream_app.runtimes.common.partitioning import partition_of, record_key
from stream_app.runtimes.kafka.consume.producer import Message
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate
from stream_app.testing import malformed

FOLDER = Path(tempfile.gettempdir()) / "stream-app-faults"
DAYS = 12
EVENTS_PER_USER = 40  # fewer than there are, so that the simulation never runs out
POISONED_SHARE = 0.005

ByPartition = dict[int, list[Message]]


def record_stream(events: int, partitions: int, seed: int = 7) -> ByPartition:
    """Messages by partition, at most `events` in all: late, repeated, broken and empty ones among them.

    Users keep one id: what two ids of a user come to hangs on the order of two topics, which no two runs
    share (`tests/integration/test_identity.py` kills workers over those).
    """
    path = FOLDER / f"{events}-{seed}.msgpack"
    if path.exists():
        values = msgspec.msgpack.decode(path.read_bytes(), type=list[bytes | None])
    else:
        values = _simulate(events, seed)
        FOLDER.mkdir(exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(msgspec.msgpack.encode(values))
        unfinished.replace(path)
    by_partition: ByPartition = {number: [] for number in range(partitions)}
    for value in values:
        key = record_key(value) if value is not None else None
        by_partition[partition_of(key, partitions)].append((key, value))
    return by_partition


def _simulate(events: int, seed: int) -> list[bytes | None]:
    chance = Random(seed)
    settings = SimulationSettings(users=max(events // EVENTS_PER_USER, 20), days=DAYS, seed=seed)
    values: list[bytes | None] = []
    for event in islice(simulate(settings), events):
        if "userId" in event:
            event.pop("anonymousId", None)
        is_poisoned = chance.random() < POISONED_SHARE
        values.append(_poison(chance) if is_poisoned else orjson.dumps(event))
    return values


def _poison(chance: Random) -> bytes | None:
    value = malformed(chance).value
    return value if value is not None and len(value) < 100_000 and chance.random() < 0.9 else None
