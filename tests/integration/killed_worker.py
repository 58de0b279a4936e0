"""A worker of test_tables.py that is killed when its second write has reached the changelog alone.

Arguments: bootstrap servers, source topic, group, data folder.
"""

import os
import signal
import sys
from collections.abc import Iterable
from typing import Any

import faust
from aiokafka import AIOKafkaProducer

from stream_app.runtimes.kafka.consume.producer import Headers
from stream_app.runtimes.kafka.consume.transport import RecordBatchSchema
from stream_app.runtimes.kafka.state.tables import RowTable

servers, source, group, folder = sys.argv[1:]
app = faust.App(
    group,
    broker=f"bulk://{servers}",
    store="rocksdb://",
    datadir=folder,
    web_enabled=False,
    topic_disable_leader=True,
    table_standby_replicas=0,
    consumer_auto_offset_reset="earliest",
    broker_session_timeout=2.0,
    broker_heartbeat_interval=0.2,
)
writes = 0


async def send(
    topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Headers
) -> int:
    global writes  # noqa: PLW0603
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        for key, row in rows:
            last = await producer.send(topic, row, key=key, partition=partition, headers=list(headers))
        offset: int = (await last).offset
    writes += 1
    if writes == 3:  # after the claim
        os.kill(os.getpid(), signal.SIGKILL)
    return offset


table = RowTable(app, "rows", 2, send)


@app.agent(app.topic(source, schema=RecordBatchSchema(max_records=300)))
async def write(stream: Any) -> None:
    async for batch in stream:
        await table.write(batch.partition, {record.key: record.value for record in batch.records})


app.finalize()
faust.Worker(app, loglevel="ERROR").execute_from_commandline()
