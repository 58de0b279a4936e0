"""Latency from sending an event to appending its output, at shares of the maximum rate.

Records of an output topic have the broker's append time, events their sending time, both by this machine's
clock. The acknowledgement follows the append immediately.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from load_tests import full_job, pace, recording
from load_tests.reduced_comparison import OURS
from load_tests.samples import quantile
from load_tests.testbed import PARTITIONS, Testbed
from load_tests.topics import Topics
from stream_app.schemas.topics import EVENTS

WARM_UP_EVENTS = 2_000
SETTLE_SECONDS = 2.0
"""Of each rate, the begin that is not timed."""
DRAIN_SECONDS = 60.0


@dataclass(frozen=True)
class Latency:
    """Milliseconds at one share of the maximum rate; `kept` and `asked` are events/s."""

    share: float
    asked: float
    kept: float
    outputs: int
    p50: float
    p99: float


@dataclass(frozen=True)
class _Span:
    share: float
    asked: float
    kept: float
    begin_ms: float
    end_ms: float

    def over(self, pairs: Sequence[tuple[int, int]]) -> Latency:
        """The latency of events sent in this span, from (sent, appended) times in ms."""
        times = [appended - sent for sent, appended in pairs if self.begin_ms <= sent < self.end_ms]
        p50, p99 = (quantile(times, share) for share in (0.5, 0.99))
        return Latency(self.share, self.asked, self.kept, len(times), p50, p99)


async def measure_reduced(
    testbed: Testbed, pool: Sequence[bytes], highest: float, shares: Sequence[float], seconds: float
) -> list[Latency]:
    """Measure every output of our reduced job; events are matched by message id."""
    source = await testbed.topics.create(testbed.new_name("events"))
    outputs = await testbed.topics.create(testbed.new_name("outputs"), stamped_by_broker=True)
    command = OURS.command(testbed.servers, source, outputs, str(testbed.folder / testbed.new_name("state")))
    with testbed.contender(command) as contender:

        async def done() -> int:
            contender.check()
            return await testbed.topics.length(outputs)

        spans = await _send_all(testbed.servers, source, pool, done, _Load(highest, shares, seconds))
    sent = {
        orjson.loads(record.value).get("messageId"): record.timestamp
        async for record in testbed.topics.records(source)
    }
    pairs = [
        (sent[orjson.loads(record.value)["id"]], record.timestamp)
        async for record in testbed.topics.records(outputs)
    ]
    return [span.over(pairs) for span in spans]


async def measure_full(
    testbed: Testbed, pool: Sequence[bytes], highest: float, shares: Sequence[float], seconds: float
) -> list[Latency]:
    """Measure every recommendation of a worker; each names the record that caused it directly."""
    application = await full_job.make_application(testbed)
    async with full_job.working(application) as workers:

        async def done() -> int:
            workers.contenders[0].check()
            return await workers.processed()

        spans = await _send_all(
            testbed.servers, application.events_topic, pool, done, _Load(highest, shares, seconds)
        )
    sent = await _sending_times(testbed.topics, application.events_topic)
    pairs = []
    async for record in testbed.topics.records(application.recommendations_topic):
        cause = orjson.loads(record.value)["source"]
        if cause["topic"] == EVENTS.name:
            pairs.append((sent[cause["partition"], cause["offset"]], record.timestamp))
    return [span.over(pairs) for span in spans]


async def _sending_times(topics: Topics, topic: str) -> Mapping[tuple[int, int], int]:
    return {(record.partition, record.offset): record.timestamp async for record in topics.records(topic)}


class _Load(NamedTuple):
    """Shares of the maximum rate (events/s) to send at, one after another, for so many seconds each."""

    highest: float
    shares: Sequence[float]
    seconds: float


async def _send_all(
    servers: str, topic: str, pool: Sequence[bytes], done: Callable[[], Awaitable[int]], load: _Load
) -> list[_Span]:
    """Warm the contender up, then send at one share after another, letting it catch up between them."""
    wanted = WARM_UP_EVENTS + int(sum(load.highest * share * (load.seconds + 1) for share in load.shares))
    events = recording.multiply(pool, wanted)
    spans = []
    async with AIOKafkaProducer(bootstrap_servers=servers, max_batch_size=recording.BATCH_BYTES) as producer:
        await pace.send(producer, topic, PARTITIONS, events, WARM_UP_EVENTS, 1.0)
        await _settle(done)
        for share in load.shares:
            begun_at = time.time()
            kept = await pace.send(producer, topic, PARTITIONS, events, load.highest * share, load.seconds)
            begin_ms, end_ms = (begun_at + SETTLE_SECONDS) * 1000, time.time() * 1000
            spans.append(_Span(share, load.highest * share, kept, begin_ms, end_ms))
            await _settle(done)
    return spans


async def _settle(done: Callable[[], Awaitable[int]]) -> None:
    """Wait until the contender has started and become idle."""
    deadline = time.monotonic() + DRAIN_SECONDS
    before, now = -1, 0
    while now == 0 or now != before:
        if time.monotonic() > deadline:
            raise TimeoutError(f"still at work on its backlog after {DRAIN_SECONDS:.0f} s, {now} events done")
        await asyncio.sleep(1.0)
        before, now = now, await done()
