"""The recorded stream that all contenders read: as many simulated people as a measurement needs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

SIMULATED_USERS = 300
SIMULATED_DAYS = 7
BROKEN_EVERY = 997
BATCH_BYTES = 524_288
_IDS = (b'"messageId":"', b'"userId":"', b'"anonymousId":"')


def simulate(users: int = SIMULATED_USERS, days: int = SIMULATED_DAYS) -> list[bytes]:
    """Events of simulated people in time order, including repeats, by `stream-app simulate`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "stream_app", "simulate", "--seed", "7", "--out", folder]
        command += ["--users", str(users), "--days", str(days)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return (Path(folder) / "events.jsonl").read_bytes().splitlines()


def multiply(events: Sequence[bytes], count: int) -> Iterator[bytes]:
    """`count` events in time order: each simulated person stands for several, who differ only in their ids.

    Some records have no message id: a contender that validates refuses them.
    """
    copies = -(-count // len(events))
    marked = (with_mark(event, mark) for event in events for mark in range(copies))
    for number, event in enumerate(islice(marked, count), start=1):
        yield event.replace(_IDS[0], b'"lost":"', 1) if number % BROKEN_EVERY == 0 else event


def with_mark(event: bytes, mark: int) -> bytes:
    """The same event for another person, whose ids differ by a number."""
    for name in _IDS:
        event = event.replace(name, b"%s%d." % (name, mark), 1)
    return event


def renamed(event: bytes, number: int) -> bytes:
    """The same event with another message id."""
    return event.replace(_IDS[0], b"%s%d-" % (_IDS[0], number), 1)


def key_of(event: bytes) -> bytes:
    """The key that a tracker's server would use: the user id, or else the anonymous id."""
    for name in (b'"userId":"', b'"anonymousId":"'):
        _, found, rest = event.partition(name)
        if found:
            return rest[: rest.index(b'"')]
    raise ValueError(f"no user in {event[:100]!r}")


def keyed(events: Iterable[bytes], partitions: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Events with their partitions and keys."""
    place = cache(lambda key: int((murmur2(key) & 0x7FFFFFFF) % partitions))
    for event in events:
        key = key_of(event)
        yield place(key), key, event


async def write(servers: str, topic: str, partitions: int, events: Iterable[bytes]) -> None:
    """Write events to a topic, keyed by user and partitioned like Kafka's default partitioner."""
    async with AIOKafkaProducer(bootstrap_servers=servers, max_batch_size=BATCH_BYTES) as producer:
        batches = [producer.create_batch() for _ in range(partitions)]
        for number, key, event in keyed(events, partitions):
            if batches[number].append(key=key, value=event, timestamp=None) is None:
                await producer.send_batch(batches[number], topic, partition=number)
                batches[number] = producer.create_batch()
                batches[number].append(key=key, value=event, timestamp=None)
        for number, batch in enumerate(batches):
            if batch.record_count():
                await producer.send_batch(batch, topic, partition=number)
