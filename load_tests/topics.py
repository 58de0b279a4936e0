"""The broker's topics, as the measuring process needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

POLL_MS = 1000


class Topics:
    """Topics with the same number of partitions."""

    def __init__(self, servers: str, partitions: int) -> None:
        self.servers = servers
        self.partitions = partitions
        self._consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)

    async def __aenter__(self) -> Topics:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def create(self, topic: str, *, stamped_by_broker: bool = False) -> str:
        """Create a topic whose records have their sending or append time; return its name."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        config = {"message.timestamp.type": "LogAppendTime" if stamped_by_broker else "CreateTime"}
        await admin.create_topics([NewTopic(topic, self.partitions, 1, topic_configs=config)])
        await admin.close()
        return topic

    async def length(self, topic: str) -> int:
        """The number of records in a topic."""
        return sum((await self._consumer.end_offsets(self._places(topic))).values())

    async def records(self, topic: str) -> AsyncIterator[ConsumerRecord]:
        """All current records of a topic."""
        places = self._places(topic)
        self._consumer.assign(places)
        await self._consumer.seek_to_beginning(*places)
        left = await self.length(topic)
        while left:
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    yield record
                left -= len(records)

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(self.partitions)]
