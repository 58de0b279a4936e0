"""What a worker scores with: the newest tier model, and a recommender fed by every closed session."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from aiokafka import ConsumerRecord
from mode import Service
from pydantic import Field, TypeAdapter, ValidationError

from models import snapshot, targets
from models.recommenders.surface import Surface
from schemas.catalogue import CatalogueItem
from schemas.outputs import ClosedSession, UserErased
from schemas.topics import CATALOGUE, SESSIONS, SNAPSHOTS
from stream_app.core.learning import RecentIds
from stream_app.metrics import WRONG_MODEL, Metrics
from stream_app.model_adapters import OutcomeScorer, SessionRecommender, TierScorer
from stream_app.ports import Models
from stream_app.runtimes.kafka.follower import TopicFollower
from stream_app.runtimes.kafka.snapshots import SnapshotReader, Version
from stream_app.settings import Settings

log = logging.getLogger(__name__)

_session_adapter: TypeAdapter[ClosedSession | UserErased] = TypeAdapter(
    Annotated[ClosedSession | UserErased, Field(discriminator="schema_name")]
)


class ModelSource(Service):  # type: ignore[misc]  # mode ships no types
    """What is scored with: a service whose `models` is replaced whole, never changed under a batch."""

    models: Models

    async def caught_up(self) -> None:
        """Wait for the newest models; nothing is to be scored before."""


class LoadedModels(ModelSource):
    """Follows the snapshots, the closed sessions and the catalogue."""

    def __init__(self, settings: Settings, metrics: Metrics, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._key = settings.required_snapshot_key
        self._metrics = metrics
        self._session_ids = RecentIds()
        self._shown_positions = 0
        self._recommender = SessionRecommender(Surface(rules=settings.surface_rules))
        outcomes = {name: OutcomeScorer(targets.outcome_model(name)) for name in targets.OUTCOMES}
        self.models = Models(TierScorer(targets.tier_model()), self._recommender, outcomes)
        reader = SnapshotReader(self._load, self._refuse_part)
        self._snapshots = self.add_dependency(TopicFollower(settings, SNAPSHOTS, reader.take))
        self._sessions = self.add_dependency(TopicFollower(settings, SESSIONS, self._learn_sessions))
        self._catalogue = self.add_dependency(TopicFollower(settings, CATALOGUE, self._take_catalogue))

    async def caught_up(self) -> None:
        """Wait until all that the three topics held at the start is taken in."""
        await self._snapshots.caught_up()
        await self._sessions.caught_up()
        await self._catalogue.caught_up()

    def _load(self, name: str, version: Version) -> None:
        if name != targets.TIER.name and name not in targets.OUTCOMES:
            return
        scorer: TierScorer | OutcomeScorer
        try:
            model, header = snapshot.load(version.data, self._key)
            if name == targets.TIER.name:
                scorer = TierScorer(targets.tier_model())
            else:
                scorer = OutcomeScorer(targets.outcome_model(name))
            scorer.take_model(model)
        except (snapshot.SnapshotRefused, TypeError) as refusal:
            reason = refusal.reason if isinstance(refusal, snapshot.SnapshotRefused) else WRONG_MODEL
            self._metrics.refused_snapshots.labels(reason).inc()
            log.warning("snapshot %s of %s refused: %s", version.number, name, refusal)
            return
        # Another object, not the same changed: a batch is scored to its end with the models it began with.
        if isinstance(scorer, TierScorer):
            self.models = replace(self.models, tiers=scorer)
        else:
            self.models = replace(self.models, outcomes={**self.models.outcomes, name: scorer})
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
                output = _session_adapter.validate_json(record.value or b"")
            except ValidationError as error:
                self._metrics.refused_records.labels(SESSIONS.name).inc()
                log.warning(
                    "%s, offset %s refused: %d errors", SESSIONS.name, record.offset, error.error_count()
                )
                continue
            if not self._session_ids.add(output.id):
                continue
            if isinstance(output, UserErased):
                self._recommender.forget(str(output.user_key))
            else:
                self._recommender.learn(output)
        stamp = self._recommender.stamp()
        learned_at = records[-1].timestamp / 1000
        self._metrics.show_model(stamp.name, stamp.version, stamp.examples_seen, learned_at)
        judged = self._recommender.surface.judge.positions
        if judged != self._shown_positions:
            self._metrics.show_recommender(self._recommender.scores(), self._recommender.evictions())
            self._shown_positions = judged

    def _take_catalogue(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            try:
                item = CatalogueItem.model_validate_json(record.value or b"")
            except ValidationError as error:
                self._metrics.refused_records.labels(CATALOGUE.name).inc()
                log.warning(
                    "%s, offset %s refused: %d errors", CATALOGUE.name, record.offset, error.error_count()
                )
                continue
            self._recommender.surface.catalogue.put(item)
