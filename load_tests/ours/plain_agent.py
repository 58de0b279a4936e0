"""The full job's core in a plain Faust agent: one event per item, with one table write and one send each.

    python -m load_tests.ours.plain_agent

Configured like `stream-app worker`, by the environment. Prints the number of events processed so far.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import faust
from mode import CrashingSupervisor

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.intake import build_intake
from stream_app.runtimes.common.memory import collect_seldom
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.models.loaded_models import LoadedModels
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import EVENTS, TOPIC_BY_CONTRACT
from stream_app.settings.environment import Settings
from stream_app.settings.loading import load_settings

PRINT_EVERY = 20


class TableRows:
    """A Faust table of encoded rows, as the core reads them."""

    def __init__(self, table: faust.Table) -> None:
        self._table = table

    def get(self, user_key: str) -> UserRow | None:
        """The user's row, or None."""
        data = self._table.get(user_key.encode())
        return decode_row(data) if data is not None else None


def build(settings: Settings) -> tuple[faust.App, LoadedModels]:
    """The app, with Faust's own transport, table and topics; and the models, which must run before it."""
    loaded = LoadedModels(settings, Metrics())
    rules, intake = settings.rules, build_intake(settings, settings.snapshot_keys)
    app = faust.App(
        f"{settings.app_id}-plain",
        broker=f"kafka://{settings.kafka_servers}",
        store="rocksdb://",
        datadir=str(settings.state_dir),
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=0,
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        web_enabled=False,
    )
    table = app.Table("rows", partitions=settings.partitions, key_type=bytes, value_type=bytes)
    rows = TableRows(table)
    events = app.topic(name_of(EVENTS, settings), key_serializer="raw", value_serializer="raw")
    outputs = {
        contract: app.topic(name_of(topic, settings), key_serializer="raw", value_serializer="raw")
        for contract, topic in TOPIC_BY_CONTRACT.items()
    }
    partitions: dict[int, Partition] = {}

    def place_of(user_id: str) -> int:
        return partition_of(user_id.encode(), settings.partitions)

    @app.agent(events, supervisor_strategy=CrashingSupervisor)
    async def process(stream: Any) -> None:
        await loaded.wait_until_caught_up()
        processed = 0
        async for event in stream.events():
            message = event.message
            partition = partitions.get(message.partition)
            if partition is None:
                partition = partitions[message.partition] = Partition(
                    message.partition, rules, place_of=place_of
                )
            record = Record(message.offset, message.key, message.value, message.timestamp)
            batch = Batch(EVENTS.name, message.partition, [record])
            result = step(partition, batch, rows, intake, loaded.models, rules, time.time())
            for output in result.outputs:
                user = getattr(output, "user_key", None) or ""
                await outputs[type(output)].send(key=user.encode(), value=output.model_dump_json().encode())
            for user_key, row in result.rows.items():
                if row is not None:
                    table[user_key.encode()] = encode_row(row)
            processed += 1
            if processed % PRINT_EVERY == 0:
                print(processed, flush=True)  # noqa: T201  # read by the process that measures

    return app, loaded


async def run(settings: Settings) -> None:
    """Run until terminated.

    Raises:
        RuntimeError: the app crashed.
    """
    app, loaded = build(settings)
    async with loaded:
        app.finalize()
        await app.start()
        await app.wait_until_stopped()
        raise RuntimeError("the agent has stopped") from app.crash_reason


if __name__ == "__main__":
    collect_seldom()
    asyncio.run(run(load_settings()))
