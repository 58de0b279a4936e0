"""How far consumer groups are, asked of a broker that may be away."""

import contextlib
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

Places = dict[tuple[str, int], int]
TIMEOUT_MS = 3_000


class Positions:
    """Committed offsets of groups, and where topics end; what was known last while nobody answers."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._admin: AIOKafkaAdminClient | None = None
        self._known: dict[str, Places] = {}

    async def committed(self, group: str) -> Places:
        """By topic and partition, the offset that a group has committed."""
        try:
            if self._admin is None:
                self._admin = AIOKafkaAdminClient(
                    bootstrap_servers=self._servers, request_timeout_ms=TIMEOUT_MS
                )
                await self._admin.start()
            offsets = await self._admin.list_consumer_group_offsets(group)
        except (KafkaError, OSError, TimeoutError):
            await self.close()
        else:
            self._known[group] = {
                (place.topic, place.partition): found.offset for place, found in offsets.items()
            }
        return self._known.get(group, {})

    async def ends(self, topic: str, partitions: Iterable[int]) -> Places:
        """By topic and partition, the offset behind the last record."""
        places = [TopicPartition(topic, number) for number in partitions]
        async with AIOKafkaConsumer(bootstrap_servers=self._servers) as consumer:
            ends = await consumer.end_offsets(places)
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def close(self) -> None:
        """Disconnect."""
        if self._admin is not None:
            with contextlib.suppress(KafkaError, OSError):
                await self._admin.close()
        self._admin = None
