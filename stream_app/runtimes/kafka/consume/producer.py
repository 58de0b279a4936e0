"""Bulk sending: batches per topic and partition, awaited until the broker has acknowledged all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b, sha256
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from mode import Service

from stream_app.core.identity_messages import Sent, encode_message
from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topics import name_of, topics_of
from stream_app.schemas.envelopes import cause_of, envelope
from stream_app.schemas.outputs import CutBytes, FailedEvent, FailureReason, Output
from stream_app.schemas.topics import LINKS, TOPIC_BY_CONTRACT
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)

BATCH_BYTES = 524_288
RECORD_OVERHEAD_BYTES = 256  # a batch of one record, with our headers
LARGEST_REQUEST = 4_194_304
Message = tuple[bytes | None, bytes | None]
Messages = dict[tuple[str, int], list[Message]]
"""By topic and partition."""
Headers = Sequence[tuple[str, bytes]]


class BulkProducer(Service):  # type: ignore[misc]  # mode ships no types
    """An idempotent producer that waits for all replicas.

    A message is (key, value); a value None is a tombstone. Messages larger than their topic accepts are never
    sent, because after one refusal an idempotent producer of aiokafka 0.14 fails on that partition for good.
    `count_too_large` is called for each output that is too large.
    """

    def __init__(
        self, settings: Settings, count_too_large: Callable[[], None] = lambda: None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._count_too_large = count_too_large
        self._limits = {
            name_of(topic, settings): topic.max_message_bytes - RECORD_OVERHEAD_BYTES
            for topic in topics_of(settings)
        }
        self._settings = settings
        self._topics = {
            contract: (name_of(topic, settings), topic.partitions is None, topic.key.of)
            for contract, topic in TOPIC_BY_CONTRACT.items()
        }

    async def on_start(self) -> None:
        """Connect.

        Raises:
            BrokerError: the broker is lost.
        """
        self._producer = AIOKafkaProducer(
            **client_options(self._settings),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            max_request_size=LARGEST_REQUEST,
            request_timeout_ms=int(self._settings.kafka_timeout * 1000),
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            raise BrokerError(f"the producer cannot start: {error}") from error

    async def on_stop(self) -> None:
        """Send what is pending, then disconnect."""
        await self._producer.stop()

    def encode_outputs(self, outputs: Iterable[Output], partition: int) -> Messages:
        """Outputs of one source partition, for the topics of their contracts.

        A user has the same partition in every topic that is spread by user. An output larger than its topic
        accepts is replaced by a failed event.
        """
        messages: Messages = {}
        for output in outputs:
            topic, is_spread, key_of = self._topics[type(output)]
            body = output.encode()
            message: Message = (key_of(output), body)
            if (size := _size_of(message)) > self._limits[topic]:
                log.warning("a %s of %d bytes is more than %s takes", output.schema_name, size, topic)
                self._count_too_large()
                message = (None, _too_large(output, body, topic).encode())
                topic, is_spread, _ = self._topics[FailedEvent]
            messages.setdefault((topic, partition if is_spread else 0), []).append(message)
        return messages

    def encode_sent(self, sent: Iterable[Sent]) -> Messages:
        """Messages between rows."""
        topic = name_of(LINKS, self._settings)
        messages: Messages = {}
        for partition, message in sent:
            record = (LINKS.key.of(message.key), encode_message(message))
            messages.setdefault((topic, partition), []).append(record)
        return messages

    async def send_all(self, messages: Messages) -> None:
        """Send messages, in order within each partition.

        Raises:
            BrokerError: one was not acknowledged.
        """
        await asyncio.gather(
            *(self.send(topic, partition, records) for (topic, partition), records in messages.items())
        )

    async def send(
        self, topic: str, partition: int, messages: Iterable[Message], headers: Headers = ()
    ) -> int:
        """Send messages to one partition in order and return the offset of the last.

        Raises:
            BrokerError: one was not acknowledged, or is larger than the topic accepts, in which case none was
            sent.
        """
        messages = list(messages)
        limit = self._limits.get(topic)
        if limit is not None and (largest := max(map(_size_of, messages), default=0)) > limit:
            raise BrokerError(f"{topic}: a record of {largest} bytes is more than it takes")
        pending: list[tuple[asyncio.Future[Any], int]] = []
        try:
            for batch in self._batches(messages, list(headers)):
                sent = await self._producer.send_batch(batch, topic, partition=partition)
                pending.append((sent, batch.record_count()))
            last = -1
            for sent, count in pending:
                last = (await sent).offset + count - 1
        except KafkaError as error:
            raise BrokerError(f"{topic}: not acknowledged by the broker: {error!r}") from error
        return last

    def _batches(self, messages: Iterable[Message], headers: list[tuple[str, bytes]]) -> Iterator[Any]:
        """Messages in order, in the largest possible batches."""
        now_ms = int(time.time() * 1000)
        batch = self._producer.create_batch()
        for key, value in messages:
            # aiokafka's own `append` adds more overhead than this compiled call takes.
            if batch._builder.append(batch._relative_offset, now_ms, key, value, headers) is None:
                yield batch
                batch = self._producer.create_batch()
                batch._builder.append(0, now_ms, key, value, headers)
            batch._relative_offset += 1
        if batch.record_count():
            yield batch


def _size_of(message: Message) -> int:
    return len(message[0] or b"") + len(message[1] or b"")


def _too_large(output: Output, body: bytes, topic: str) -> FailedEvent:
    failed_id = blake2b(f"too large\x1f{output.id}".encode(), digest_size=16).hexdigest()
    cause = cause_of(output.source)
    return FailedEvent(
        **envelope(failed_id, output.user_key, output.as_of, output.emitted_at, cause),
        reason=FailureReason.TOO_LARGE_OUTPUT,
        detail=f"{output.schema_name} {output.id} of {len(body)} bytes is more than {topic} takes",
        key=None,
        original=b"",
        original_cut=CutBytes(length=len(body), sha256=sha256(body).hexdigest()),
    )
