"""Privacy requests over Kafka: what a receipt says about the topics, and how to request one."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream_app.errors import BrokerError
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.common.intake import subject_of
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.audit import encode_entries
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.lifetimes import Lifetimes
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of
from stream_app.schemas.audit import Act
from stream_app.schemas.outputs import Output, PrivacyReceipt, StoreErasure
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.schemas.topics import (
    AUDIT,
    CATALOGUE,
    CONTENT_SCORES,
    EXAMPLES,
    KEYS,
    PRIVACY_RECEIPTS,
    PRIVACY_REQUESTS,
    RECOMMENDER_SNAPSHOTS,
    SESSIONS,
    SNAPSHOTS,
    TOPICS,
    rows_changelog,
)
from stream_app.settings.environment import Settings

POLL_MS = 500
# Nothing in these names a user except by a hash.
ANONYMOUS = (CATALOGUE, CONTENT_SCORES, SNAPSHOTS, RECOMMENDER_SNAPSHOTS, PRIVACY_RECEIPTS, AUDIT, KEYS)


def complete_receipt(output: Output, settings: Settings, lifetimes: Lifetimes) -> Output:
    """Add to a receipt what happens to topics and recommenders; return other outputs unchanged."""
    if not isinstance(output, PrivacyReceipt):
        return output
    stores = [
        StoreErasure(store=rows_changelog(settings.app_id).name, state="removed", removed={"tombstones": 1}),
        StoreErasure(store=f"recommenders, by {SESSIONS.name}", state="announced"),
        StoreErasure(store=f"models, by {EXAMPLES.name}", state="announced"),
    ]
    for topic in TOPICS:
        if topic in ANONYMOUS:
            stores.append(StoreErasure(store=topic.name, state="anonymous"))
        else:
            stores.append(_expiring(topic.name, lifetimes.get(topic.name), output.emitted_at))
    return output.model_copy(update={"stores": [*output.stores, *stores]})


def _expiring(name: str, lifetime: int | None, now: datetime) -> StoreErasure:
    # The whole of that day is over by then, whatever the broker's clock and its interval of looking say.
    gone_by = (now + timedelta(seconds=lifetime)).date() + timedelta(days=1) if lifetime is not None else None
    return StoreErasure(store=name, state="expires", expires_within=lifetime, gone_by=gone_by)


async def ask(request: PrivacyRequest, settings: Settings, timeout: float) -> PrivacyReceipt:
    """Send a request and wait for its receipt.

    Raises:
        BrokerError: the broker is lost, a topic is missing, or no worker answered within `timeout` seconds.
    """
    subject = subject_of(request.user_id, settings, settings.snapshot_keys)
    await check_topics(settings)
    number = partition_of(request.user_id.encode(), settings.partitions)
    receipts = TopicPartition(name_of(PRIVACY_RECEIPTS, settings), number)
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign([receipts])
        await consumer.seek_to_end(receipts)
        await consumer.position(receipts)  # known before the request is sent
        async with BulkProducer(settings) as producer:
            asked = act(Act.ERASURE_REQUEST, subject, request_id=request.request_id)
            await producer.send_all(encode_entries([asked], settings))
            message = (PRIVACY_REQUESTS.key.of(request), request.model_dump_json().encode())
            await producer.send(name_of(PRIVACY_REQUESTS, settings), number, [message])
        return await asyncio.wait_for(_receive(consumer, request.request_id), timeout)
    except KafkaError as error:
        raise BrokerError(f"the request could not be sent, or its receipt not read: {error}") from error
    except TimeoutError:
        raise BrokerError(
            f"no receipt came within {timeout:.0f} s; request {request.request_id} stands, and is granted "
            f"once a worker runs: read {PRIVACY_RECEIPTS.name} later"
        ) from None
    finally:
        await consumer.stop()


async def _receive(consumer: AIOKafkaConsumer, request_id: str) -> PrivacyReceipt:
    while True:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                if record.key == request_id.encode():
                    return PrivacyReceipt.model_validate_json(record.value)
