"""Resets positions to the beginning of topics that were recreated."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stream_app.core.partition import Partition
from stream_app.errors import BrokerError
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.access import connect
from stream_app.runtimes.kafka.operate.audit import encode_entries
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.stored_records import records_of
from stream_app.runtimes.kafka.operate.topics import check_topics, source_names
from stream_app.runtimes.kafka.state.claims import ClaimReader
from stream_app.runtimes.kafka.state.origins import ORIGINS_KEY, decode_origins, encode_origins, renew
from stream_app.runtimes.kafka.state.stored_partition import META_KEY
from stream_app.schemas.audit import Act
from stream_app.schemas.topics import rows_changelog
from stream_app.settings.environment import Settings


async def reset_positions(settings: Settings) -> dict[str, list[int]]:
    """Make workers start at the beginning of source topics that were recreated.

    Returns the partitions whose positions were reset, by topic. Rows and the positions in them are kept:
    offsets continue from a base beyond all of them.

    Raises:
        BrokerError: the broker is lost, a topic is missing, or workers run.
    """
    facts = await check_topics(settings)
    names = source_names(settings)
    topic_ids = {declared: facts[name].topic_id for name, declared in names.items()}
    admin = await connect(settings)
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        group_id=settings.app_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    reset: dict[str, list[int]] = {}
    try:
        await _refuse_running(admin, settings.app_id)
        await consumer.start()
        async with BulkProducer(settings) as producer:
            changelog = rows_changelog(settings.app_id).name
            for number in range(settings.partitions):
                newest: dict[bytes, bytes | None] = {}
                reader = ClaimReader()
                async for record in records_of(consumer, changelog, number):
                    if reader.counts(record) and record.key in (META_KEY, ORIGINS_KEY):
                        newest[record.key] = record.value
                origins = decode_origins(newest.get(ORIGINS_KEY))
                applied = Partition(number, settings.rules, newest.get(META_KEY)).meta.applied
                renewed = renew(origins, topic_ids, applied)
                changed = [topic for topic in origins if origins[topic] != renewed[topic]]
                if not changed:
                    continue
                # The beginning first: if this is interrupted, the next run repeats both steps.
                starts = {
                    TopicPartition(name, number): 0 for name, topic in names.items() if topic in changed
                }
                consumer.assign(list(starts))
                await consumer.commit(starts)
                details = {"partition": str(number), "topics": ", ".join(changed)}
                entry = act(Act.POSITIONS_RESET, details=details)
                await producer.send_all(encode_entries([entry], settings))
                await producer.send(changelog, number, [(ORIGINS_KEY, encode_origins(renewed))])
                for topic in changed:
                    reset.setdefault(topic, []).append(number)
    except KafkaError as error:
        raise BrokerError(f"positions could not be reset: {error!r}") from error
    finally:
        await consumer.stop()
        await admin.close()
    return reset


async def _refuse_running(admin: AIOKafkaAdminClient, group: str) -> None:
    for response in await admin.describe_consumer_groups([group]):
        for described in response.to_object()["groups"]:
            if described["members"]:
                raise BrokerError(
                    f"{len(described['members'])} workers of {group} run: stop them first, or wait for "
                    "STREAM_APP_SESSION_TIMEOUT after one was killed"
                )
