"""Publishes the recommender, so that a starting worker need not read all sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mode import Service

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.follower import TopicFollower
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.models import snapshots
from stream_app.runtimes.kafka.models.fed_recommender import FedRecommender
from stream_app.runtimes.kafka.models.sealed import seal
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import RECOMMENDER_SNAPSHOTS, SESSIONS
from stream_app.settings.environment import Settings


class RecommenderPublisher(Service):  # type: ignore[misc]  # mode ships no types
    """Learns what every worker learns, and publishes it periodically while `is_in_charge`.

    `published` is the offset of the last record that the newest snapshot contains.
    """

    def __init__(
        self,
        settings: Settings,
        producer: BulkProducer,
        metrics: Metrics,
        is_in_charge: Callable[[], bool],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._producer = producer
        self._is_in_charge = is_in_charge
        self._fed = FedRecommender(settings, metrics)
        self.published = -1
        self.follower = self.add_dependency(TopicFollower(settings, SESSIONS, self._fed.learn_records))

    async def on_start(self) -> None:
        """Start from the newest snapshot.

        Raises:
            BrokerError: the broker is lost.
        """
        await self._fed.restore()
        self.published = self._fed.offset if self._fed.has_present_key else -1
        self.follower.next_offset = self._fed.begin_offset

    @Service.task  # type: ignore[untyped-decorator]
    async def _publish_from_time_to_time(self) -> None:
        while not self.should_stop:
            await self.sleep(self._settings.recommender_snapshot_interval)
            if self._is_in_charge() and self._fed.offset > self.published:
                await self._publish()

    async def _publish(self) -> None:
        offset, name = self._fed.offset, self._fed.recommender.blend.name
        state = self._fed.recommender.surface.to_state()  # on this thread: nothing may be learned meanwhile
        data = await asyncio.to_thread(seal, state, name, offset, self._settings.required_snapshot_key)
        topic = name_of(RECOMMENDER_SNAPSHOTS, self._settings)
        self._fed.slot = await snapshots.publish(self._producer, topic, name, data, offset, self._fed.slot)
        self.published = offset
