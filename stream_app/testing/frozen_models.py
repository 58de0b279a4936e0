"""Models that never learn: the same features always get the same answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stream_app.learning.ports import Features, Models, Occasion
from stream_app.schemas.outputs import ModelErasure, ModelStamp, Output, RecommendedItem, TrainingExample


class FixedPrediction(NamedTuple):
    """A tier, or none, with its probabilities."""

    label: int | str | None
    probabilities: Mapping[int | str, float]


class FixedContribution(NamedTuple):
    """How much a feature moved a decision."""

    feature: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True)
class FixedTierModel:
    """A tier model that never learns: the tier follows the events of the last day.

    With fewer than `silent_below` events it does not answer, so that the usage rule decides.
    """

    events_for_medium: int = 3
    events_for_high: int = 6
    silent_below: int = 0

    def stamp(self) -> ModelStamp:
        """The same stamp at any time."""
        return ModelStamp(name="fixed_tiers", version=1, examples_seen=0, status="ready")

    def features_read(self) -> frozenset[str] | None:
        """None, so that all features are read."""
        return None

    def predict_tiers(self, examples: Sequence[Features]) -> list[FixedPrediction]:
        """One prediction per example."""
        return [self._predict(features) for features in examples]

    def explain_tiers(
        self, examples: Sequence[Features], tiers: Sequence[int]
    ) -> list[list[FixedContribution]]:
        """The events of the last day, which alone decide."""
        return [
            [FixedContribution("events_24h", features.get("events_24h", 0), tier / 3)]
            for features, tier in zip(examples, tiers, strict=True)
        ]

    def _predict(self, features: Features) -> FixedPrediction:
        if features["active_days"] == 0 or float(features.get("events_30d", 0)) < self.silent_below:
            return FixedPrediction(None, {})
        events = float(features.get("events_24h", 0))
        tier = 1 + (events >= self.events_for_medium) + (events >= self.events_for_high)
        return FixedPrediction(tier, {known: float(known == tier) for known in (1, 2, 3)})


@dataclass(frozen=True)
class FixedRecommender:
    """A recommender that never learns: its items are named after the session's last one."""

    def stamp(self) -> ModelStamp:
        """The same stamp at any time."""
        return ModelStamp(name="fixed_items", version=1, examples_seen=0, status="ready")

    def recommend(self, occasion: Occasion, count: int) -> list[RecommendedItem]:
        """At most three items, named after the number of the session's items and its last one."""
        seen, last = len(occasion.session_items), occasion.session_items[-1]
        return [RecommendedItem(f"{last}-{seen}-{rank}", 1 / rank, "fixed") for rank in (1, 2, 3)][:count]


@dataclass
class FixedModels:
    """Models for a runtime that never change; `examples` are those they were given to learn."""

    tiers: FixedTierModel = field(default_factory=FixedTierModel)
    recommender: FixedRecommender = field(default_factory=FixedRecommender)
    examples: list[TrainingExample] = field(default_factory=list)

    @property
    def models(self) -> Models:
        """The models that score a batch."""
        return Models(self.tiers, self.recommender)

    def learn(self, outputs: Sequence[Output]) -> list[Output]:
        """Note the examples, learn nothing."""
        self.examples += [output for output in outputs if isinstance(output, TrainingExample)]
        return []

    def forget(self, _user_key: str) -> int:
        """Forget nothing: nothing is learned."""
        return 0

    def unlearn(self, _user_keys: Iterable[str]) -> list[ModelErasure]:
        """Nothing is learned."""
        return []

    def refresh(self) -> None:
        """Nothing is learned."""

    def pop_changed_snapshots(self) -> dict[str, bytes]:
        """None: nothing is learned."""
        return {}
