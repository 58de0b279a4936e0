"""Sends events at a steady rate, each with its sending time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaProducer

from load_tests import recording

TICK_SECONDS = 0.01


async def send(
    producer: AIOKafkaProducer,
    topic: str,
    partitions: int,
    events: Iterator[bytes],
    rate: float,
    seconds: float,
) -> float:
    """Send events for some seconds; return the rate achieved (events/s), which may be lower."""
    begun_at = time.perf_counter()
    sent = 0
    acknowledged = []
    while (elapsed := time.perf_counter() - begun_at) < seconds:
        due = list(islice(events, int(rate * elapsed) - sent))
        now_ms = int(time.time() * 1000)
        batches: dict[int, Any] = {}
        for number, key, event in recording.keyed(due, partitions):
            batch = batches.get(number) or batches.setdefault(number, producer.create_batch())
            if batch.append(key=key, value=event, timestamp=now_ms) is None:
                acknowledged.append(await producer.send_batch(batch, topic, partition=number))
                batches[number] = producer.create_batch()
                batches[number].append(key=key, value=event, timestamp=now_ms)
        for number, batch in batches.items():
            acknowledged.append(await producer.send_batch(batch, topic, partition=number))
        sent += len(due)
        await asyncio.sleep(TICK_SECONDS)
    await asyncio.gather(*acknowledged)
    return sent / (time.perf_counter() - begun_at)
