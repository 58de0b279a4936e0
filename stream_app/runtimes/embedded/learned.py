"""The models of a replay: they score during a round, learn at its end, and are saved at checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from stream_app.errors import StateError
from stream_app.learning.catalogue_features import CatalogueFeatures
from stream_app.learning.learner_set import LearnerSet
from stream_app.learning.marking import Marker
from stream_app.learning.model_adapters import SessionRecommender
from stream_app.learning.ports import Models
from stream_app.learning.trainer import ExampleOutcome, Taught, Trainer, by_label
from stream_app.models import snapshot
from stream_app.models.learning import ClassificationModel, RegressionModel
from stream_app.models.model_set import unlearned_models
from stream_app.models.recommenders.surface import Surface
from stream_app.models.recommenders.surface_rules import SurfaceRules
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.outputs import (
    ClosedSession,
    ContentScore,
    ItemOutcomes,
    ModelErasure,
    Output,
    TrainingExample,
)
from stream_app.settings.rules import DAY

RECOMMENDER = "session_recommender"
CATALOGUE_FEATURES = "catalogue_features"
CONTENT_SCORE = ContentScore.model_fields["schema_name"].default


class LearnedModels:
    """The models of one data folder: tiers, engagement scores, outcomes, and the recommender.

    Raises:
        StateError: a stored model was not written by this program, or by other library versions.
    """

    def __init__(  # noqa: PLR0913
        self,
        store: Store,
        key: bytes,
        tier_targets: Sequence[str],
        metrics: Metrics,
        clock: Callable[[], float],
        surface_rules: SurfaceRules | None = None,
        content_interval: float = DAY,
        earlier_keys: Sequence[bytes] = (),
    ) -> None:
        self._key = key
        self._earlier_keys = earlier_keys
        self._metrics = metrics
        self._clock = clock
        self.learners = LearnerSet(unlearned_models(), tier_targets, content_interval, clock)
        self._catalogue = CatalogueFeatures()
        contained = self._load(store, surface_rules)
        self._trainer = Trainer(self.learners.by_target, contained, Marker(key, *earlier_keys))
        self._changed: set[str] = set()
        self.models = Models(self.learners.tiers, self.recommender, self.learners.outcomes)

    def learn(self, outputs: Sequence[Output]) -> Sequence[Output]:
        """Learn a round's outputs in order: closed sessions, labelled examples, outcomes of starts.

        Returns the item scores that fell due.
        """
        for output in outputs:
            told = self.recommender.complete(output) if isinstance(output, ClosedSession) else output
            if self.recommender.learn(told):
                self._changed.add(RECOMMENDER)
        examples: list[Taught] = []
        for output in outputs:
            if isinstance(output, TrainingExample):
                examples += by_label(output)
            elif isinstance(output, ItemOutcomes):
                examples.append(self._catalogue.complete(output))
        outcomes = self._trainer.learn(list(enumerate(examples, self._trainer.offset + 1)))
        for example, outcome in zip(examples, outcomes, strict=True):
            self._metrics.count_example(example.target, outcome)
            if outcome is ExampleOutcome.LEARNED:
                self._changed.add(self.learners.by_target[example.target].name)
        scores = self.learners.content.pop_scores()
        self._metrics.outputs.labels(CONTENT_SCORE).inc(len(scores))
        return scores

    def apply_catalogue(self, items: Iterable[CatalogueItem]) -> None:
        """Use a catalogue for recommending and scoring from now on."""
        for item in items:
            self.recommender.surface.catalogue.put(item)
            self._catalogue.put(item)
            self._changed |= {RECOMMENDER, CATALOGUE_FEATURES}

    def forget(self, user_key: str) -> int:
        """Remove the sessions that the recommender learned from a user and return how many there were."""
        self._changed.add(RECOMMENDER)
        return self.recommender.forget(user_key)

    def unlearn(self, user_keys: Iterable[str]) -> list[ModelErasure]:
        """Relearn every model that held examples of some users from all other examples."""
        removed = self._trainer.forget(user_keys)
        for scorer in self.learners.all:
            if removed[scorer.name]:
                scorer.replace_model(scorer.relearned())
                scorer.refresh()
                self._changed.add(scorer.name)
        return [
            ModelErasure(model=name, examples=count, training_offset=self._trainer.offset)
            for name, count in removed.items()
        ]

    def refresh(self) -> None:
        """At the end of all input: bring the models up to date with everything learned."""
        for scorer in self.learners.all:
            if scorer.model.examples_seen:
                scorer.refresh()
                self._changed.add(scorer.name)

    def sign_anew(self) -> None:
        """Have all models stored again, signed with the present key."""
        self._changed |= {scorer.name for scorer in self.learners.all if scorer.model.examples_seen}

    def pop_changed_snapshots(self) -> dict[str, bytes]:
        """The models that have learned since the last call, as stored bytes; updates their score metrics."""
        snapshots: dict[str, bytes] = {}
        for model in (scorer.model for scorer in self.learners.all):
            if model.name in self._changed:
                now = datetime.fromtimestamp(self._clock(), UTC)
                snapshots[model.name] = snapshot.dump(model, self._key, self._trainer.offset, now)
                self._show(model, now.timestamp())
        if RECOMMENDER in self._changed:
            snapshots[RECOMMENDER] = self.recommender.surface.to_state()
            stamp = self.recommender.stamp()
            self._metrics.show_model(stamp.name, stamp.version, stamp.examples_seen, self._clock())
            self._metrics.show_recommender(self.recommender.scores(), self.recommender.evictions())
        if CATALOGUE_FEATURES in self._changed:
            snapshots[CATALOGUE_FEATURES] = self._catalogue.to_state()
        self._changed = set()
        return snapshots

    def _load(self, store: Store, surface_rules: SurfaceRules | None) -> dict[str, int]:
        """Load the stored models and return the training offset of each."""
        contained: dict[str, int] = {}
        for scorer in self.learners.all:
            data = store.snapshot(scorer.name)
            if data is None:
                continue
            try:
                model, header = snapshot.load(data, self._key, *self._earlier_keys)
            except snapshot.SnapshotRefused as refusal:
                raise StateError(
                    f"the stored model {scorer.name} cannot be used ({refusal}): replay the events into an "
                    "empty folder, as docs/operations.md says under Upgrade"
                ) from None
            scorer.replace_model(model)
            contained[model.name] = header.training_offset
            self._show(model, header.created_at.timestamp())
        self.recommender = load_recommender(store, surface_rules)
        if (described := store.snapshot(CATALOGUE_FEATURES)) is not None:
            try:
                self._catalogue.restore_state(described)
            except msgspec.MsgspecError as error:
                raise StateError(f"the stored {CATALOGUE_FEATURES} cannot be used: {error}") from error
        return contained

    def _show(self, model: ClassificationModel | RegressionModel, created_at: float) -> None:
        self._metrics.show_model(model.name, model.version, model.examples_seen, created_at)
        self._metrics.show_scores(model.name, model.scores())
        self._metrics.show_drifts(model.name, model.drift.counts)


def load_recommender(store: Store, rules: SurfaceRules | None = None) -> SessionRecommender:
    """The recommender as of the last checkpoint, under the rules given.

    Raises:
        StateError: it was not written by this program.
    """
    state = store.snapshot(RECOMMENDER)
    try:
        return SessionRecommender(Surface(rules=rules) if state is None else Surface.from_state(state, rules))
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateError(f"the stored {RECOMMENDER} cannot be used: {error}") from error
