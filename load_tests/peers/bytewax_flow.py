"""The reduced job in Bytewax: its Kafka connector, a stateful step, recovery on.

    python -m load_tests.peers.bytewax_flow SERVERS SOURCE OUTPUTS FOLDER

As in its documentation: offsets and rows are kept in the recovery store (SQLite), with a snapshot of changes
at the end of each epoch.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from load_tests.reduced_job import Event, Row, decode_event, encode_totals, update, user_of

RECOVERY_PARTITIONS = 4
EPOCH = timedelta(seconds=5)
Source: TypeAlias = KafkaSourceMessage[bytes | None, bytes | None]


def key_by_user(message: Source) -> tuple[str, Event] | None:
    """An event with the key of its row; None if the record is not an event."""
    event = decode_event(message.value or b"")
    return (user_of(event), event) if event is not None else None


def count(row: Row | None, event: Event) -> tuple[Row, list[bytes]]:
    """Update the row, and return the totals of one event."""
    row = row or Row()
    totals = update(row, event)
    return row, [encode_totals(totals)] if totals is not None else []


def build(servers: str, source: str, outputs: str) -> Dataflow:
    """The flow, from the beginning of the source topic."""
    flow = Dataflow("reduced")
    messages = op.input("events", flow, KafkaSource([servers], [source]))
    events = op.filter_map("decode", messages, key_by_user)
    totals = op.stateful_flat_map("count", events, count)
    records = op.map("record", totals, lambda keyed: KafkaSinkMessage(keyed[0].encode(), keyed[1]))
    op.output("totals", records, KafkaSink([servers], outputs))
    return flow


if __name__ == "__main__":
    servers, source, outputs, folder = sys.argv[1:]
    Path(folder).mkdir(parents=True)
    init_db_dir(folder, RECOVERY_PARTITIONS)
    cli_main(build(servers, source, outputs), epoch_interval=EPOCH, recovery_config=RecoveryConfig(folder))
