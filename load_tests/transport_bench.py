"""The cost of decoding and dispatching an event: a plain Faust agent, the bulk transport, aiokafka alone.

    python -m load_tests.transport_bench [--events N] [--json]

Starts a broker, writes JSON events of about 280 bytes to it and lets each variant read them in its own
process. The agents only decode with orjson, so the difference is the path to them. The rate per CPU time of
the reader is more stable on a busy machine.
"""

import asyncio
import itertools
import json
import multiprocessing
import tempfile
import time
import uuid
from collections.abc import AsyncIterable, Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Annotated, Any, NamedTuple

import faust
import orjson
import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from load_tests.broker import missing_requirements, running_broker

TOPIC = "transport-bench"
PARTITIONS = 2
PRODUCER_BATCH_BYTES = 128 * 1024
PLAIN_SHARE = 10
"""The plain agent reads one event in so many: its rate shows in that and it would take minutes for all."""
DEADLINE_SECONDS = 60.0


class Rate(NamedTuple):
    """Events per second of wall time, and per second of the reader's CPU time."""

    per_second: float
    per_cpu_second: float


class Stopwatch:
    """Counts events from the first one to a goal; `done` is set when it is reached."""

    def __init__(self, goal: int) -> None:
        self.goal = goal
        self.done = asyncio.Event()
        self._seen = 0
        self._began: tuple[float, float] | None = None
        self._ended = (0.0, 0.0)

    def begin(self) -> None:
        """Note the time, on the first call."""
        self._began = self._began or _clocks()

    def count(self, events: int) -> None:
        """Add events that have been decoded."""
        self._seen += events
        if self._seen >= self.goal and not self.done.is_set():
            self._ended = _clocks()
            self.done.set()

    @property
    def rate(self) -> Rate:
        """Between the first `begin` and the goal."""
        assert self._began is not None
        return Rate(
            *(self._seen / (end - begin) for begin, end in zip(self._began, self._ended, strict=True))
        )


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def measure_plain_agent(servers: str, events: int) -> Rate:
    """Measure a Faust agent that decodes each event as it arrives."""

    def build(app: faust.App, watch: Stopwatch) -> None:
        @app.agent(app.topic(TOPIC, value_serializer="raw", key_serializer="raw"))
        async def decode(stream: AsyncIterable[bytes]) -> None:
            async for value in stream:
                watch.begin()
                orjson.loads(value)
                watch.count(1)

    return asyncio.run(_run_app(f"kafka://{servers}", build, events))


def measure_bulk_agent(servers: str, events: int) -> Rate:
    """Measure a Faust agent that receives batches from the bulk transport."""

    def build(app: faust.App, watch: Stopwatch) -> None:
        @app.agent(app.topic(TOPIC, schema=app.transport.batch_schema()))
        async def decode(stream: AsyncIterable[Any]) -> None:
            async for batch in stream:
                watch.begin()
                for record in batch.records:
                    orjson.loads(record.value)
                watch.count(len(batch))

    return asyncio.run(_run_app(f"bulk://{servers}", build, events))


def measure_aiokafka(servers: str, events: int) -> Rate:
    """Measure aiokafka's `getmany` and orjson without Faust: the upper bound."""

    async def run() -> Rate:
        watch = Stopwatch(events)
        consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=servers, auto_offset_reset="earliest")
        await consumer.start()
        while not watch.done.is_set():
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                watch.begin()
                for record in records:
                    orjson.loads(record.value)
                watch.count(len(records))
        await consumer.stop()
        return watch.rate

    return asyncio.run(asyncio.wait_for(run(), DEADLINE_SECONDS))


async def _run_app(broker: str, build: Callable[[faust.App, Stopwatch], None], events: int) -> Rate:
    watch = Stopwatch(events)
    with tempfile.TemporaryDirectory() as datadir:
        app = faust.App(
            f"transport-bench-{uuid.uuid4().hex[:8]}",
            broker=broker,
            datadir=datadir,
            web_enabled=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
        )
        build(app, watch)
        app.finalize()
        await app.start()
        try:
            await asyncio.wait_for(watch.done.wait(), DEADLINE_SECONDS)
        finally:
            await app.stop()
    return watch.rate


def encode_event(number: int) -> bytes:
    """One track event in Segment's format, about 280 bytes of JSON."""
    return orjson.dumps(
        {
            "messageId": f"{number:032x}",
            "type": "track",
            "event": "Product Viewed",
            "anonymousId": f"visitor-{number % 10_007:08}",
            "timestamp": "2026-03-01T12:00:00.000Z",
            "context": {"page": {"path": f"/products/{number % 997}"}, "locale": "en-GB"},
            "properties": {"productId": f"p{number % 997}", "price": 19.9, "currency": "EUR", "position": 3},
        }
    )


async def write_events(servers: str, events: int) -> None:
    """Create the topic and write events round robin to its partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers, max_batch_size=PRODUCER_BATCH_BYTES) as producer:
        partitions = itertools.cycle(range(PARTITIONS))
        batch = producer.create_batch()
        for value in map(encode_event, range(events)):
            if batch.append(key=None, value=value, timestamp=None) is None:
                await producer.send_batch(batch, TOPIC, partition=next(partitions))
                batch = producer.create_batch()
                batch.append(key=None, value=value, timestamp=None)
        await producer.send_batch(batch, TOPIC, partition=next(partitions))


def run(events: int) -> dict[str, Rate]:
    """The rates of all variants, each measured in its own process on one broker."""
    with running_broker() as broker:
        servers = broker.bootstrap_servers
        asyncio.run(write_events(servers, events))
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as processes:
            return {
                "plain_agent": processes.submit(measure_plain_agent, servers, events // PLAIN_SHARE).result(),
                "bulk_agent": processes.submit(measure_bulk_agent, servers, events).result(),
                "aiokafka": processes.submit(measure_aiokafka, servers, events).result(),
            }


def main(
    events: Annotated[int, typer.Option(help="Events to write and read.")] = 400_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure decoding and dispatch in all three variants."""
    if reason := missing_requirements():
        typer.echo(f"Cannot measure: {reason}.", err=True)
        raise typer.Exit(1)
    rates = run(events)
    if as_json:
        report = {name: rate._asdict() for name, rate in rates.items()}
        typer.echo(json.dumps({"event_bytes": len(encode_event(0)), "rates": report}))
        return
    plain = rates["plain_agent"]
    typer.echo(f"decode + dispatch of {len(encode_event(0))}-byte JSON events")
    typer.echo(f"{'':12} {'events/s':>12} {'x plain':>8} {'events/CPU s':>14} {'x plain':>8}")
    for name, rate in rates.items():
        typer.echo(
            f"{name:12} {rate.per_second:>12,.0f} {rate.per_second / plain.per_second:>8.1f}"
            f" {rate.per_cpu_second:>14,.0f} {rate.per_cpu_second / plain.per_cpu_second:>8.1f}"
        )


if __name__ == "__main__":
    typer.run(main)
