"""Erasures made since topics were backed up, done again by the workers once they are restored."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from stream_app.core.erasures import decode_erasure
from stream_app.core.identity_messages import EraseAgain, encode_message
from stream_app.errors import BrokerError
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.common.erased_before import not_remembered
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.audit import encode_entries, read_entries
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.stored_records import records_of
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of
from stream_app.runtimes.kafka.state.claims import ClaimReader
from stream_app.runtimes.kafka.state.stored_partition import ERASURE_PREFIX
from stream_app.schemas.audit import Act, AuditEntry
from stream_app.schemas.topics import AUDIT, LINKS, rows_changelog
from stream_app.settings.environment import Settings

ERASURES_A_MESSAGE = 5_000


async def erase_again(settings: Settings, entries: Sequence[AuditEntry] | None = None) -> int:
    """Have workers do erasures again that the rows do not know, of some log or of the topic's; how many.

    Raises:
        BrokerError: the broker is lost, or a topic is missing.
    """
    await check_topics(settings)
    if entries is None:
        entries, _ = await read_entries(settings)
    missing = not_remembered(entries, await _remembered(settings))
    # Older ones are as forgotten everywhere as the rows of that time are.
    missing = [(marker, until) for marker, until in missing if until + settings.row_validity > time.time()]
    if not missing:
        return 0
    async with BulkProducer(settings) as producer:
        entry = act(Act.ERASURE_REPLAY, details={"erasures": str(len(missing))})
        await producer.send_all(encode_entries([entry], settings))
        for begin in range(0, len(missing), ERASURES_A_MESSAGE):
            part = missing[begin : begin + ERASURES_A_MESSAGE]
            message = EraseAgain(key="", sender="", topic=AUDIT.name, offset=0, erasures=part)
            record = (LINKS.key.of(message.key), encode_message(message))
            for number in range(settings.partitions):
                await producer.send(name_of(LINKS, settings), number, [record])
    return len(missing)


async def _remembered(settings: Settings) -> dict[str, float]:
    """By marker, until when the rows of every partition know an erasure that any of them knows."""
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    remembered: dict[str, float] = {}
    try:
        await consumer.start()
        for number in range(settings.partitions):
            reader = ClaimReader()
            newest: dict[str, bytes | None] = {}
            async for record in records_of(consumer, rows_changelog(settings.app_id).name, number):
                if reader.counts(record) and record.key.startswith(ERASURE_PREFIX):
                    newest[record.key.removeprefix(ERASURE_PREFIX).decode()] = record.value
            for marker, stored in newest.items():
                if stored is not None:
                    until = decode_erasure(stored).until
                    remembered[marker] = max(until, remembered.get(marker, 0.0))
    except KafkaError as error:
        raise BrokerError(f"the rows' changelog cannot be read: {error}") from error
    finally:
        await consumer.stop()
    return remembered
