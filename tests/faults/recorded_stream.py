"""The stream that every run of the harness takes: simulated once, and kept in the temporary folder."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from pathlib import Path
from random import Random

import msgspec
import orjson
from faults.households import EVENTS_OF_HOUSEHOLD, MARK, lives

from stream_app.runtimes.common.partitioning import partition_of, record_key
from stream_app.runtimes.kafka.consume.producer import Message
from stream_app.schemas.topics import EVENTS
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate
from stream_app.testing import malformed

FOLDER = Path(tempfile.gettempdir()) / "stream-app-faults"
DAYS = 12
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
EVENTS_PER_USER = 40  # fewer than there are, so that the simulation never runs out
EVENTS_PER_HOUSEHOLD = 250
POISONED_SHARE = 0.005
EVENTS_PER_STUCK = 30_000  # one record in as many stops its worker again and again; none in a short stream
STUCK = b"a call that never returns"
LARGEST_KEY = b"k" * (EVENTS.max_message_bytes - 1_024)

ByPartition = dict[int, list[Message]]


def record_stream(events: int, partitions: int, seed: int = 7) -> ByPartition:
    """Messages by partition, at most `events` in all: late, repeated, broken and empty ones among them, keys
    as large as a topic takes, records on which a call never returns, and households (see there).
    """
    return _spread(_recorded(events, seed, BEGIN, with_extras=True), partitions)


def record_tail(events: int, partitions: int, seed: int = 8) -> ByPartition:
    """What the same users send later, once the events topic was made anew."""
    return _spread(_recorded(events, seed, BEGIN + timedelta(days=DAYS + 1), with_extras=False), partitions)


def households_in(stream: ByPartition) -> set[str]:
    """The households that send anything."""
    mark = f'"messageId":"{MARK}'.encode()
    values = (value for messages in stream.values() for _, value in messages if value and mark in value)
    return {orjson.loads(value)["messageId"].split("/")[0] for value in values}


def _spread(messages: list[Message], partitions: int) -> ByPartition:
    by_partition: ByPartition = {number: [] for number in range(partitions)}
    for key, value in messages:
        by_partition[partition_of(key, partitions)].append((key, value))
    return by_partition


def _recorded(events: int, seed: int, begin: datetime, with_extras: bool) -> list[Message]:
    path = FOLDER / f"{events}-{seed}-{int(with_extras)}.msgpack"
    if path.exists():
        return msgspec.msgpack.decode(path.read_bytes(), type=list[tuple[bytes | None, bytes | None]])
    messages = _simulate(events, seed, begin, with_extras)
    FOLDER.mkdir(exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(msgspec.msgpack.encode(messages))
    unfinished.replace(path)
    return messages


def _simulate(events: int, seed: int, begin: datetime, with_extras: bool) -> list[Message]:
    chance = Random(seed)
    settings = SimulationSettings(users=max(events // EVENTS_PER_USER, 20), days=DAYS, seed=seed, start=begin)
    sent: list[tuple[float, bytes]] = []
    households = max(events // EVENTS_PER_HOUSEHOLD, 4) if with_extras else 0
    for event in islice(simulate(settings), events - households * EVENTS_OF_HOUSEHOLD):
        if "userId" in event:
            event.pop("anonymousId", None)  # of these, each keeps one id
        received_at = datetime.fromisoformat(event["receivedAt"]).timestamp()
        sent.append((max(received_at, sent[-1][0] if sent else 0.0), orjson.dumps(event)))
    sent = list(merge(sent, _lives(chance, households, sent[0][0], sent[-1][0])))
    values: list[bytes | None] = [value for _, value in sent]
    for place in range(len(values)):
        if MARK.encode() not in (values[place] or b"") and chance.random() < POISONED_SHARE:
            values[place] = _poison(chance)
    messages: list[Message] = [(_key(value), value) for value in values]
    if with_extras:
        messages.insert(len(messages) // 3, (LARGEST_KEY, b"{"))
        stuck = round(events / EVENTS_PER_STUCK)
        for number in range(1, stuck + 1):
            messages.insert(number * len(messages) // (stuck + 1), (None, STUCK))
    return messages


def _lives(chance: Random, households: int, begin: float, end: float) -> list[tuple[float, bytes]]:
    return sorted(
        (at, value)
        for number in range(households)
        for at, value in lives(chance, f"{MARK}{number}", begin, end)
    )


def _key(value: bytes | None) -> bytes | None:
    return record_key(value) if value is not None else None


def _poison(chance: Random) -> bytes | None:
    value = malformed(chance).value
    return value if value is not None and len(value) < 100_000 and chance.random() < 0.9 else None
