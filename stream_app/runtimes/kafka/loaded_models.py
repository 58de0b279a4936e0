"""What a worker scores with: the newest tier model, and a recommender fed by every closed session."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRecord
from mode import Service
from pydantic import ValidationError

from models import snapshot, targets
from models.recommenders.blend import Blend
from schemas.outputs import ClosedSession
from schemas.topics import SESSIONS, SNAPSHOTS
from stream_app.core.learning import RecentIds
from stream_app.metrics import WRONG_MODEL, Metrics
from stream_app.model_adapters import SessionRecommender, TierScorer
from stream_app.ports import Models
from stream_app.runtimes.kafka.follower import TopicFollower
from stream_app.runtimes.kafka.snapshots import SnapshotReader, Version
from stream_app.settings import Settings

log = logging.getLogger(__name__)


class ModelSource(Service):  # type: ignore[misc]  # mode ships no types
    """What is scored with: a service whose `models` is replaced whole, never changed under a batch."""

    models: Models

    async def caught_up(self) -> None:
        """Wait for the newest models; nothing is to be scored before."""


class LoadedModels(ModelSource):
    """Follows the snapshots and the closed sessions."""

    def __init__(self, settings: Settings, metrics: Metrics, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._key = settings.required_snapshot_key
        self._metrics = metrics
        self._session_ids = RecentIds()
        self._recommender = SessionRecommender(Blend())
        self.models = Models(TierScorer(targets.tier_model()), self._recommender)
        reader = SnapshotReader(self._load, self._refuse_part)
        self._snapshots = self.add_dependency(TopicFollower(settings, SNAPSHOTS, reader.take))
        self._sessions = self.add_dependency(TopicFollower(settings, SESSIONS, self._learn_sessions))

    async def caught_up(self) -> None:
        """Wait until all that the two topics held at the start is taken in."""
        await self._snapshots.caught_up()
        await self._sessions.caught_up()

    def _load(self, name: str, version: Version) -> None:
        if name != targets.TIER.name:
            return
        try:
            model, header = snapshot.load(version.data, self._key)
            scorer = TierScorer(targets.tier_model())
            scorer.take_model(model)
        except (snapshot.SnapshotRefused, TypeError) as refusal:
            reason = refusal.reason if isinstance(refusal, snapshot.SnapshotRefused) else WRONG_MODEL
            self._metrics.refused_snapshots.labels(reason).inc()
            log.warning("snapshot %s of %s refused: %s", version.number, name, refusal)
            return
        self.models = Models(scorer, self._recommender)
        self._metrics.show_model(
            name, header.model_version, header.examples_seen, header.created_at.timestamp()
        )
        self._metrics.show_scores(name, model.scores())

    def _refuse_part(self, record: ConsumerRecord) -> None:
        self._metrics.refused_records.labels(SNAPSHOTS.name).inc()
        log.warning("%s, offset %s refused: no part of a snapshot", SNAPSHOTS.name, record.offset)

    def _learn_sessions(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            try:
                session = ClosedSession.model_validate_json(record.value or b"")
            except ValidationError as error:
                self._metrics.refused_records.labels(SESSIONS.name).inc()
                log.warning("%s, offset %s refused: %s", SESSIONS.name, record.offset, error)
                continue
            if self._session_ids.add(session.id):
                self._recommender.learn_session(session.items, session.ended_at.timestamp(), session.user_key)
        stamp = self._recommender.stamp()
        learned_at = records[-1].timestamp / 1000
        self._metrics.show_model(stamp.name, stamp.version, stamp.examples_seen, learned_at)
