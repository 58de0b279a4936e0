"""The reduced job on the product's transport, tables and producer: a Faust agent whose items are batches.

    python -m load_tests.ours.reduced SERVERS SOURCE OUTPUTS PARTITIONS FOLDER

Runs until it is terminated.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import faust
from mode import CrashingSupervisor

from load_tests.reduced_job import Row, decode_event, decode_row, encode_row, encode_totals, update, user_of
from stream_app.runtimes.common.memory import collect_seldom
from stream_app.runtimes.common.row_cache import RowCache
from stream_app.runtimes.common.threads import switch_often
from stream_app.runtimes.kafka.consume.ordered_writes import OrderedWrites
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.consume.transport import QUEUED_BATCHES, RecordBatch, RecordBatchSchema
from stream_app.runtimes.kafka.state.tables import RowTable
from stream_app.settings.environment import Settings

# Events are so cheap here that the cost of a batch matters: row changes, two round trips.
BATCH_RECORDS = 5_000


class ReducedJob:
    """Processes batches: writes outputs, then rows, and only then acknowledges a batch."""

    def __init__(self, table: RowTable, producer: BulkProducer, outputs: str, hot_rows: int) -> None:
        self._table = table
        self._producer = producer
        self._outputs = outputs
        self._rows = RowCache(self._load, hot_rows)
        self._writes = OrderedWrites()

    async def process(self, batch: RecordBatch) -> asyncio.Task[None]:
        """Start making a batch's results durable; the task is done when they are."""
        await self._writes.room(batch.partition)
        rows = self._rows.of_partition(batch.partition)
        changed: dict[str, Row] = {}
        outputs: list[tuple[bytes, bytes]] = []
        for record in batch.records:
            event = decode_event(record.value)
            if event is None:
                continue
            user = user_of(event)
            row = changed.get(user)
            if row is None:
                row = rows.get(user) or Row()
            totals = update(row, event)
            if totals is not None:
                changed[user] = row
                outputs.append((record.key, encode_totals(totals)))
        rows_to_write = {user.encode(): encode_row(row) for user, row in changed.items()}
        change = self._rows.change(batch.partition, changed)

        async def write() -> None:
            await self._producer.send(self._outputs, batch.partition, outputs)
            await self._table.write(batch.partition, rows_to_write, times={})
            self._rows.settle_change(batch.partition, changed, change)

        return await self._writes.begin(batch.partition, write)

    def _load(self, partition: int, user: str) -> Row | None:
        data = self._table.get(partition, user.encode())
        return decode_row(data) if data is not None else None


def build(servers: str, source: str, outputs: str, partitions: int, folder: Path) -> faust.App:
    """The app, and the producer that must run before it."""
    settings = Settings(kafka_servers=servers)
    app = faust.App(
        f"{outputs}-job",
        broker=f"bulk://{servers}",
        store="rocksdb://",
        datadir=str(folder),
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=0,
        topic_partitions=partitions,
        stream_buffer_maxsize=QUEUED_BATCHES,
        consumer_max_fetch_size=settings.batch_bytes,
        topic_disable_leader=True,
        web_enabled=False,
    )
    producer = BulkProducer(settings)
    table = RowTable(app, "rows", partitions, producer.send)
    job = ReducedJob(table, producer, outputs, settings.hot_rows)
    schema = RecordBatchSchema(max_records=BATCH_RECORDS, max_bytes=settings.batch_bytes)

    @app.agent(app.topic(source, schema=schema), supervisor_strategy=CrashingSupervisor)
    async def process(stream: Any) -> None:
        unacknowledged = stream.noack()

        async def acknowledge(event: Any, written: Awaitable[None]) -> None:
            await written
            await unacknowledged.ack(event)

        async for event in unacknowledged.events():
            app.add_future(acknowledge(event, await job.process(event.value)))

    return app, producer


async def run(app: faust.App, producer: BulkProducer) -> None:
    """Run until SIGTERM, or until the app crashes."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with producer:
        app.finalize()
        await app.start()
        crashed = asyncio.ensure_future(app.wait_until_stopped())
        await asyncio.wait([crashed, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        await app.stop()


if __name__ == "__main__":
    servers, source, outputs, partitions, folder = sys.argv[1:]
    collect_seldom()
    switch_often()
    asyncio.run(run(*build(servers, source, outputs, int(partitions), Path(folder))))
