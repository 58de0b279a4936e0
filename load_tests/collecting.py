"""Measures the cost of collector requests: `stream-app collect` on its own core, answering once durable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import orjson

from load_tests import full_job, recording
from load_tests.broker import free_port
from load_tests.build import Build
from load_tests.contender import Contender, ContenderError
from load_tests.posting import HOST, Post, post_all
from load_tests.testbed import Testbed

SINGLE_CONNECTIONS = 16
BATCH_CONNECTIONS = 4
BATCH_EVENTS = 100
START_SECONDS = 60.0
POLL_SECONDS = 0.1
WARM_UP_SHARE = 0.2
NO_LIMIT = "1000000000"
# Kinds of events that trackers send in single calls.
_CALLS = {"page", "screen", "track", "identify"}


class Cost(NamedTuple):
    """CPU time of the collector per request, requests per second, and the 99th percentile of their times."""

    cpu_us: float
    per_second: float
    p99_ms: float


async def measure(
    testbed: Testbed,
    build: Build,
    pool: Sequence[bytes],
    singles: int,
    batches: int,
    onto_kafka: bool = False,
) -> tuple[Cost, Cost]:
    """Measure single calls, then batches of `BATCH_EVENTS`, into a data folder or Kafka."""
    env = {
        "STREAM_APP_COLLECTOR_PORT": str(free_port()),
        "STREAM_APP_COLLECTOR_RATE": NO_LIMIT,
        "STREAM_APP_COLLECTOR_BURST": NO_LIMIT,
    }
    command = build.module("stream_app", "collect", "--set", "metrics_port=0")
    if onto_kafka:
        env |= (await full_job.make_application(testbed, build)).env
    else:
        command += ["--data-dir", str(testbed.folder / testbed.new_name("data"))]
    calls = single_calls(pool, round(singles * (1 + WARM_UP_SHARE)))
    bulk = batch_calls(pool, round(batches * (1 + WARM_UP_SHARE)))
    with testbed.contender(command, env, folder=build.root) as collector:
        port = int(env["STREAM_APP_COLLECTOR_PORT"])
        await _until_it_listens(collector, port)
        return (
            await _cost(collector, port, calls, singles, SINGLE_CONNECTIONS),
            await _cost(collector, port, bulk, batches, BATCH_CONNECTIONS),
        )


def single_calls(pool: Sequence[bytes], count: int) -> Iterator[Post]:
    """Single events, each sent by the call of its kind."""
    fitting = [event for event in pool if orjson.loads(event)["type"] in _CALLS]
    for number in range(count):
        event = recording.renamed(fitting[number % len(fitting)], number)
        yield Post(f"/v1/{orjson.loads(event)['type']}", event)


def batch_calls(pool: Sequence[bytes], count: int) -> Iterator[Post]:
    """Batches of events."""
    events = (post.body for post in single_calls(pool, count * BATCH_EVENTS))
    for number in range(count):
        batch = b",".join(recording.with_mark(event, number % 7) for event in islice(events, BATCH_EVENTS))
        yield Post("/v1/batch", b'{"batch":[%s]}' % batch)


async def _cost(collector: Contender, port: int, posts: Iterator[Post], count: int, connections: int) -> Cost:
    await post_all(port, islice(posts, round(count * WARM_UP_SHARE)), connections)
    timed = list(islice(posts, count))
    before = collector.cpu_seconds
    posted = await post_all(port, timed, connections)
    cpu_us = (collector.cpu_seconds - before) * 1e6 / len(timed)
    p99_ms = sorted(posted.latencies)[int(0.99 * len(timed))] * 1e3
    return Cost(cpu_us, len(timed) / posted.seconds, p99_ms)


async def _until_it_listens(collector: Contender, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        collector.check()
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError as error:
            if time.monotonic() > deadline:
                raise ContenderError(f"does not listen: {collector.log_tail()}") from error
            await asyncio.sleep(POLL_SECONDS)
        else:
            writer.close()
            return
