"""Models whose answers are given by a test, as functions of the core's queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stream_app.learning.ports import Features, Models, Occasion
from stream_app.schemas.outputs import ModelStamp, RecommendedItem
from stream_app.testing.frozen_models import FixedContribution, FixedPrediction

# A model without examples makes no predictions.
_STAMP = ModelStamp(name="scripted", version=1, examples_seen=1, status="ready")


def script_models(
    tier: Callable[[Features], int | None] = lambda _: 1,
    items: Callable[[Occasion], Sequence[str]] = lambda _: (),
    chances: Mapping[str, Callable[[Features], float]] | None = None,
) -> Models:
    """Models for a `Driver` with scripted answers.

    Args:
        tier: 1, 2 or 3 for a user's features, or None for no answer. items: the items to recommend on an
        occasion, best first. chances: by target ("will_return", "churn", "purchase"), a probability for a
        user's features.
    """
    outcomes = {target: _ScriptedOutcome(chance) for target, chance in (chances or {}).items()}
    return Models(_ScriptedTiers(tier), _ScriptedRecommender(items), outcomes)


@dataclass(frozen=True)
class _ScriptedTiers:
    tier: Callable[[Features], int | None]

    def stamp(self) -> ModelStamp:
        return _STAMP

    def features_read(self) -> frozenset[str] | None:
        return None

    def predict_tiers(self, examples: Sequence[Features]) -> list[FixedPrediction]:
        return [self._predict(features) for features in examples]

    def explain_tiers(
        self, examples: Sequence[Features], _tiers: Sequence[int]
    ) -> list[list[FixedContribution]]:
        return [[] for _ in examples]

    def _predict(self, features: Features) -> FixedPrediction:
        tier = self.tier(features)
        return FixedPrediction(
            tier, {} if tier is None else {each: float(each == tier) for each in (1, 2, 3)}
        )


@dataclass(frozen=True)
class _ScriptedRecommender:
    items: Callable[[Occasion], Sequence[str]]

    def stamp(self) -> ModelStamp:
        return _STAMP

    def recommend(self, occasion: Occasion, count: int) -> list[RecommendedItem]:
        ranked = enumerate(self.items(occasion)[:count], start=1)
        return [RecommendedItem(item, 1 / rank, "scripted") for rank, item in ranked]


@dataclass(frozen=True)
class _ScriptedOutcome:
    chance: Callable[[Features], float]

    def stamp(self) -> ModelStamp:
        return _STAMP

    def predict_chances(self, examples: Sequence[Features]) -> list[float]:
        return [self.chance(features) for features in examples]

    def clusters_of(self, examples: Sequence[Features]) -> list[None]:
        return [None] * len(examples)
