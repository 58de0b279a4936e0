"""Sending in bulk: batches per topic and partition, awaited until the broker has acknowledged them all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from mode import Service

from schemas.outputs import FailedEvent, Output, PrivacyReceipt
from schemas.topics import LINKS, TOPIC_BY_CONTRACT
from stream_app.core.identity_messages import Sent, encode_message
from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.connection import client_options
from stream_app.runtimes.kafka.topics import name_of
from stream_app.settings import Settings

BATCH_BYTES = 524_288
LARGEST_REQUEST = 4_194_304
Message = tuple[bytes | None, bytes | None]
Headers = Sequence[tuple[str, bytes]]


class BulkProducer(Service):  # type: ignore[misc]  # mode ships no types
    """An idempotent producer that waits for all replicas.

    A message is (key, value); a value None is a tombstone.
    """

    def __init__(self, settings: Settings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._topics = {
            contract: (name_of(topic, settings), topic.partitions is None)
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
        """Send what is under way, then disconnect."""
        await self._producer.stop()

    async def send_outputs(self, outputs: Iterable[Output], partition: int) -> None:
        """Send outputs of one source partition to the topics of their contracts.

        Users lie in the same partition of every topic that is spread by user.

        Raises:
            BrokerError: one was not acknowledged.
        """
        by_topic: dict[tuple[str, int], list[Message]] = {}
        for output in outputs:
            topic, is_spread = self._topics[type(output)]
            # `model_dump_json` would make a text of these bytes.
            value = output.__pydantic_serializer__.to_json(output)
            place = (topic, partition if is_spread else 0)
            by_topic.setdefault(place, []).append((_key_of(output), value))
        await asyncio.gather(
            *(self.send(topic, number, messages) for (topic, number), messages in by_topic.items())
        )

    async def send_messages(self, messages: Iterable[Sent]) -> None:
        """Send messages from row to row, those for one partition in their order.

        Raises:
            BrokerError: one was not acknowledged.
        """
        by_partition: dict[int, list[Message]] = {}
        for partition, message in messages:
            record = (message.key.encode(), encode_message(message))
            by_partition.setdefault(partition, []).append(record)
        topic = name_of(LINKS, self._settings)
        await asyncio.gather(*(self.send(topic, number, records) for number, records in by_partition.items()))

    async def send(
        self, topic: str, partition: int, messages: Iterable[Message], headers: Headers = ()
    ) -> int:
        """Send messages to one partition in order and return the offset of the last.

        Raises:
            BrokerError: one was not acknowledged.
        """
        pending: list[tuple[asyncio.Future[Any], int]] = []
        batch = self._producer.create_batch()
        now_ms, headers = int(time.time() * 1000), list(headers)
        try:
            for key, value in messages:
                if batch.append(key=key, value=value, timestamp=now_ms, headers=headers) is None:
                    pending.append(await self._submit(batch, topic, partition))
                    batch = self._producer.create_batch()
                    batch.append(key=key, value=value, timestamp=now_ms, headers=headers)
            if batch.record_count():
                pending.append(await self._submit(batch, topic, partition))
            last = -1
            for sent, count in pending:
                last = (await sent).offset + count - 1
        except KafkaError as error:
            raise BrokerError(f"{topic}: not acknowledged by the broker: {error!r}") from error
        return last

    async def _submit(self, batch: Any, topic: str, partition: int) -> tuple[asyncio.Future[Any], int]:
        count = batch.record_count()
        return await self._producer.send_batch(batch, topic, partition=partition), count


def _key_of(output: Output) -> bytes | None:
    if isinstance(output, FailedEvent):
        return output.key
    key = output.request_id if isinstance(output, PrivacyReceipt) else output.user_key
    return key.encode() if key is not None else None
