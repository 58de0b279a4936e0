"""Follows a one-partition topic from its beginning, outside of any group: every process sees all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import Topic
from stream_app.settings.environment import Settings

POLL_MS = 500


class TopicFollower(Service):  # type: ignore[misc]  # mode ships no types
    """Passes the records of partition 0 to `on_records`, oldest first, from `begin_offset` on.

    `await wait_until_caught_up()` returns once everything that the topic held at the start has been read;
    `next_offset` is one past the last record read.
    """

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        on_records: Callable[[Sequence[ConsumerRecord]], None],
        begin_offset: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self.partition = TopicPartition(name_of(topic, settings), 0)
        self._on_records = on_records
        self.next_offset = begin_offset
        self._caught_up = asyncio.Event()

    async def on_start(self) -> None:
        """Connect, and determine the current end.

        Raises:
            BrokerError: the broker is lost.
        """
        self._consumer = AIOKafkaConsumer(
            **client_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await self._consumer.start()
            self._consumer.assign([self.partition])
            beginnings = await self._consumer.beginning_offsets([self.partition])
            self.next_offset = max(beginnings[self.partition], self.next_offset)
            self._consumer.seek(self.partition, self.next_offset)
            self._end = (await self._consumer.end_offsets([self.partition]))[self.partition]
        except KafkaError as error:
            raise BrokerError(f"{self.partition.topic} cannot be read: {error}") from error

    async def on_stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that existed at the start has been processed."""
        return self._caught_up.is_set()

    async def wait_until_caught_up(self) -> None:
        """Wait until everything that existed at the start has been processed."""
        await self._caught_up.wait()

    @Service.task  # type: ignore[untyped-decorator]
    async def _follow(self) -> None:
        while not self.should_stop:
            if await self._consumer.position(self.partition) >= self._end:
                self._caught_up.set()
            fetched = await self._consumer.getmany(self.partition, timeout_ms=POLL_MS)
            for records in fetched.values():
                self._on_records(records)
                self.next_offset = records[-1].offset + 1
                await self.sleep(0)
