"""Delivers a collector's events to the events topic, acknowledged by all replicas before the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Self

from stream_app.errors import BrokerError
from stream_app.runtimes.common.group_commit import GroupCommit
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.feeding import spread_by_user
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of
from stream_app.schemas.topics import EVENTS
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)

ROUND_RECORDS = 5_000
PAUSE_SECONDS = 1.0


class KafkaDelivery:
    """Sends each event to its user's partition, in rounds of all that are waiting.

    Events not acknowledged within `collector_timeout` are refused. An idempotent producer keeps retrying, so
    refused events may still arrive, and the sender's retry may be a repeat. A new producer replaces it once
    the broker answers; until then everything is refused immediately.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.model_copy(update={"kafka_timeout": settings.collector_timeout})
        self._group = GroupCommit(self._send, ROUND_RECORDS)
        self._producer: BulkProducer | None = None
        self._replacing: set[asyncio.Task[None]] = set()

    @property
    def is_ready(self) -> bool:
        """Whether the broker answered the last time."""
        return self._producer is not None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerError: the broker is lost, or a topic is missing.
        """
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._group.finish()
        for replacing in self._replacing:
            replacing.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        if self._producer is not None:
            await self._producer.stop()

    async def __call__(self, events: Sequence[bytes]) -> None:
        """Return once all are acknowledged.

        Raises:
            BrokerError: not all were acknowledged in time.
        """
        await self._group(events)

    async def _send(self, values: list[bytes]) -> None:
        producer = self._producer
        if producer is None:
            raise BrokerError(f"no broker at {self._settings.kafka_servers} answers")
        topic = name_of(EVENTS, self._settings)
        spread = spread_by_user(values, self._settings.partitions, self._settings.rules)
        sending = [
            asyncio.create_task(producer.send(topic, partition, messages))
            for partition, messages in spread.items()
        ]
        sent, pending = await asyncio.wait(sending, timeout=self._settings.collector_timeout)
        errors = [str(error) for task in sent if (error := task.exception())]
        if pending:
            errors.append(f"{topic}: not acknowledged within {self._settings.collector_timeout:.0f} s")
        if errors:
            self._give_up(producer, pending)
            raise BrokerError(errors[0])

    def _give_up(self, producer: BulkProducer, pending: Iterable[asyncio.Task[int]]) -> None:
        log.warning("the broker is lost; events are refused until it answers")
        self._producer = None
        replacing = asyncio.create_task(self._replace(producer, pending))
        self._replacing.add(replacing)
        replacing.add_done_callback(self._replacing.discard)

    async def _replace(self, producer: BulkProducer, pending: Iterable[asyncio.Task[int]]) -> None:
        while self._producer is None:
            try:
                await self._connect()
            except BrokerError as error:
                log.warning("%s", error)
                await asyncio.sleep(PAUSE_SECONDS)
        log.info("the broker answers again")
        await asyncio.gather(*pending, return_exceptions=True)
        await producer.stop()

    async def _connect(self) -> None:
        await check_topics(self._settings)
        producer = BulkProducer(self._settings)
        await producer.start()
        self._producer = producer
