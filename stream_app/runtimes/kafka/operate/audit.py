"""The audit log on its topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.consume.producer import BulkProducer, Message, Messages
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.stored_records import records_of
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of
from stream_app.schemas.audit import AuditEntry
from stream_app.schemas.topics import AUDIT
from stream_app.settings.environment import Settings


def encode_entries(entries: Iterable[AuditEntry], settings: Settings) -> Messages:
    """Entries as messages for their topic; no message where there is no entry."""
    messages: list[Message] = [(AUDIT.key.of(entry), entry.encode()) for entry in entries]
    return {(name_of(AUDIT, settings), 0): messages} if messages else {}


async def write_entries(entries: Sequence[AuditEntry], settings: Settings) -> None:
    """Have entries acknowledged.

    Raises:
        BrokerError: they were not; what they tell of must not be done.
    """
    async with BulkProducer(settings) as producer:
        await producer.send_all(encode_entries(entries, settings))


async def read_entries(settings: Settings) -> tuple[list[AuditEntry], int]:
    """All entries, each once and in their order, and how many records are none.

    Raises:
        BrokerError: the broker is lost, or a topic is missing.
    """
    await check_topics(settings)
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    entries: dict[str, AuditEntry] = {}
    damaged = 0
    try:
        await consumer.start()
        async for record in records_of(consumer, name_of(AUDIT, settings), 0):
            try:
                entry = AuditEntry.model_validate_json(record.value or b"")
            except ValidationError:
                damaged += 1
            else:
                entries.setdefault(entry.id, entry)
    except KafkaError as error:
        raise BrokerError(f"the audit log cannot be read: {error}") from error
    finally:
        await consumer.stop()
    return list(entries.values()), damaged
