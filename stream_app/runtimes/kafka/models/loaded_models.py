"""The models that a worker scores with: the newest snapshots, and a recommender fed by all sessions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka import ConsumerRecord
from mode import Service
from pydantic import TypeAdapter

from stream_app.learning.catalogue_features import CatalogueFeatures
from stream_app.learning.learner_set import is_scored_with, scoring_models, with_loaded
from stream_app.learning.ports import Models
from stream_app.models import snapshot
from stream_app.models.model_set import unlearned_models
from stream_app.observability.metrics import WRONG_MODEL, Metrics
from stream_app.runtimes.kafka.consume.contract_reader import ContractReader
from stream_app.runtimes.kafka.consume.follower import TopicFollower
from stream_app.runtimes.kafka.models import snapshots
from stream_app.runtimes.kafka.models.fed_recommender import FedRecommender
from stream_app.runtimes.kafka.models.snapshots import SnapshotReader, Version
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.outputs import ClosedSession, ItemOutcomes, Output
from stream_app.schemas.topics import CATALOGUE, SESSIONS, SNAPSHOTS
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)

SHOW_SECONDS = 5.0  # updating the recommender's score metrics takes a millisecond

_item: TypeAdapter[CatalogueItem] = TypeAdapter(CatalogueItem)


class ModelSource(Service):  # type: ignore[misc]  # mode ships no types
    """The models for scoring: a service whose `models` is replaced as a whole, never during a batch."""

    models: Models
    followers: Sequence[TopicFollower] = ()

    async def wait_until_caught_up(self) -> None:
        """Wait for the newest models; nothing must be scored before."""

    def complete(self, output: Output) -> Output:
        """Add to an output what is known from outside the events, so that all readers see the same."""
        return output


class LoadedModels(ModelSource):
    """Follows the snapshots, the closed sessions and the catalogue."""

    def __init__(self, settings: Settings, metrics: Metrics, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._keys = settings.snapshot_keys
        self._metrics = metrics
        self._reader = ContractReader(metrics)
        self._fed = FedRecommender(settings, metrics)
        self._recommender = self._fed.recommender
        self._catalogue = CatalogueFeatures()
        self._shown_positions = 0
        self.models = scoring_models(unlearned_models(), self._recommender)
        refuse = partial(self._reader.refuse, SNAPSHOTS, why="no part of a snapshot")
        reader = SnapshotReader(self._load, refuse)
        self._sessions = TopicFollower(settings, SESSIONS, self._learn_sessions)
        self.followers = [
            self.add_dependency(TopicFollower(settings, SNAPSHOTS, reader.read_records)),
            self.add_dependency(self._sessions),
            self.add_dependency(TopicFollower(settings, CATALOGUE, self._apply_catalogue)),
        ]

    async def on_start(self) -> None:
        """Start from the newest snapshot of the recommender.

        Raises:
            BrokerError: the broker is lost.
        """
        await self._fed.restore()
        self._sessions.next_offset = self._fed.begin_offset

    async def wait_until_caught_up(self) -> None:
        """Wait until everything that the three topics held at the start has been loaded."""
        for follower in self.followers:
            await follower.wait_until_caught_up()

    def _load(self, name: str, version: Version) -> bool:
        if not is_scored_with(name):
            return True
        try:
            model, header = snapshots.load(name, version, *self._keys)
            self.models = with_loaded(self.models, name, model)
        except (snapshot.SnapshotRefused, TypeError) as refusal:
            reason = refusal.reason if isinstance(refusal, snapshot.SnapshotRefused) else WRONG_MODEL
            self._metrics.refused_snapshots.labels(reason).inc()
            log.warning("snapshot %s of %s refused: %s", version.number, name, refusal)
            return False
        self._metrics.show_model(
            name, header.model_version, header.examples_seen, header.created_at.timestamp()
        )
        self._metrics.show_scores(name, model.scores())
        return True

    def complete(self, output: Output) -> Output:
        """Add catalogue facts to a closed session or outcomes of starts."""
        if isinstance(output, ItemOutcomes):
            return self._catalogue.complete(output)
        return self._recommender.complete(output) if isinstance(output, ClosedSession) else output

    def _learn_sessions(self, records: Sequence[ConsumerRecord]) -> None:
        self._fed.learn_records(records)
        stamp = self._recommender.stamp()
        learned_at = records[-1].timestamp / 1000
        self._metrics.show_model(stamp.name, stamp.version, stamp.examples_seen, learned_at)

    @Service.timer(SHOW_SECONDS)  # type: ignore[untyped-decorator]
    async def _show_recommender(self) -> None:
        judged = self._recommender.surface.judge.positions
        if judged != self._shown_positions:
            self._metrics.show_recommender(self._recommender.scores(), self._recommender.evictions())
            self._shown_positions = judged

    def _apply_catalogue(self, records: Sequence[ConsumerRecord]) -> None:
        for _, item in self._reader.read(CATALOGUE, _item, records):
            self._recommender.surface.catalogue.put(item)
            self._catalogue.put(item)
