"""How long a worker takes to have its rows: from the changelog alone, and from the folder that it left.

`PYTHONPATH=tests python -m faults.recovery --rows 1000000`. Counted is from the start of a process that has
imported everything, until it holds each row and knows when its user falls due. The CPU time says more where
other processes run.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import httpx
import typer
from faults.job import Job
from faults.outcome import run_uninterrupted
from faults.recorded_stream import record_stream
from faults.slot import Slot
from prometheus_client.parser import text_string_to_metric_families

from load_tests.broker import free_port, running_broker
from stream_app.core.partition import Partition
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.consume.producer import BulkProducer, Message
from stream_app.runtimes.kafka.state.stored_partition import META_KEY
from stream_app.schemas.topics import USER_PREFIX, rows_changelog
from stream_app.settings.rules import Rules

PARTITIONS = 4
SAMPLE_EVENTS = 20_000
SENT_AT_ONCE = 20_000
POLL_SECONDS = 0.1


def main(
    rows: Annotated[int, typer.Option(help="Rows in all.")] = 1_000_000,
) -> None:
    """Print both times."""
    sample = list(run_uninterrupted(record_stream(SAMPLE_EVENTS, PARTITIONS)).rows.values())
    mean = sum(map(len, sample)) / len(sample)
    print(f"{rows:,} rows of {mean:,.0f} bytes on average, {PARTITIONS} partitions, one worker", flush=True)
    with tempfile.TemporaryDirectory() as folder, running_broker(Path(folder) / "broker") as broker:
        job = Job(
            broker,
            "recovery-",
            Path(folder),
            {number: [] for number in range(PARTITIONS)},
            {},
            is_frozen=True,
            metrics_port=free_port(),
        )
        asyncio.run(_measure(job, rows, sample))


async def _measure(job: Job, rows: int, sample: list[bytes]) -> None:
    async with job:
        await _write_changelog(job, rows, sample)
        begun_at = time.monotonic()
        await job.scale(1)
        (slot,) = job.workers
        for source in ("changelog", "local state"):
            await _until_held(job, slot, rows)
            taken, worked = time.monotonic() - begun_at, _cpu_seconds(slot)
            print(f"from {source}: {taken:.1f} s, {worked:.1f} s of CPU time", flush=True)
            await job.leave(slot)
            begun_at = time.monotonic()
            slot.start()


async def _write_changelog(job: Job, rows: int, sample: list[bytes]) -> None:
    changelog = rows_changelog(job.cluster.settings.app_id).name
    async with BulkProducer(job.cluster.settings) as producer:
        for number in range(PARTITIONS):
            messages = _messages(number, rows, sample)
            while taken := list(islice(messages, SENT_AT_ONCE)):
                await producer.send(changelog, number, taken)
            await producer.send(changelog, number, [(META_KEY, Partition(number, Rules()).encode_meta())])


def _messages(partition: int, rows: int, sample: list[bytes]) -> Iterator[Message]:
    for number, row in zip(range(rows), cycle(sample), strict=False):
        key = b"user-%07d" % number
        if partition_of(key, PARTITIONS) == partition:
            yield USER_PREFIX + key, row


async def _until_held(job: Job, slot: Slot, rows: int) -> None:
    async with httpx.AsyncClient() as client:
        while await _held(client, job.settings.metrics_port) < rows:
            assert slot.process.is_alive(), slot.log.read_text()
            await asyncio.sleep(POLL_SECONDS)


async def _held(client: httpx.AsyncClient, port: int) -> float:
    try:
        page = (await client.get(f"http://127.0.0.1:{port}/metrics", timeout=60)).text
    except httpx.TransportError:
        return 0
    families = text_string_to_metric_families(page)
    return sum(
        sample.value for family in families for sample in family.samples if sample.name == "stream_app_users"
    )


def _cpu_seconds(slot: Slot) -> float:
    status = Path(f"/proc/{slot.process.pid}/stat").read_text()
    of_user, of_system = status.rpartition(")")[2].split()[11:13]
    return (int(of_user) + int(of_system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    typer.run(main)
