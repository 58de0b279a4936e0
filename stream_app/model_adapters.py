"""The learned models as the core's ports see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from models.learning import ClassificationModel, ClassPrediction, Example, LearningModel, RegressionModel
from models.recommenders.blend import Blend
from models.recommenders.types import ScoredItem
from schemas.outputs import ModelStamp
from stream_app.ports import Features

TIERS = (1, 2, 3)
ModelT = TypeVar("ModelT", bound=LearningModel[Any, Any, Any])


class Adapted(Generic[ModelT]):
    """A learned model of one kind, which a loaded one may replace."""

    kind: type[ModelT]

    def __init__(self, model: ModelT) -> None:
        self.model = model

    @property
    def name(self) -> str:
        """The model's name, as snapshots and metrics carry it."""
        return self.model.name

    def take_model(self, model: object) -> None:
        """Score and learn with a loaded model from now on.

        Raises:
            TypeError: the model is of another kind.
        """
        if not isinstance(model, self.kind):
            raise TypeError(f"{type(model).__name__} is no {self.kind.__name__}")
        self.model = model


class TierScorer(Adapted[ClassificationModel]):
    """A tier model that is scored with and learned from."""

    kind = ClassificationModel

    def stamp(self) -> ModelStamp:
        """Name, version and examples seen."""
        return ModelStamp(
            name=self.model.name,
            version=self.model.version,
            examples_seen=self.model.examples_seen,
            status=self.model.status.value,
        )

    def predict_tiers(self, examples: Sequence[Features]) -> Sequence[ClassPrediction]:
        """One decision per example."""
        return self.model.predict_many(examples)

    def learn_many(self, examples: Sequence[tuple[Features, bool | float | str]]) -> Sequence[bool]:
        """Learn tiers, given as numbers or as digits."""
        tiers = [_tier_of(label) for _, label in examples]
        self.model.learn_many(
            [Example(x, tier) for (x, _), tier in zip(examples, tiers, strict=True) if tier is not None]
        )
        return [tier is not None for tier in tiers]


class ValueLearner(Adapted[RegressionModel]):
    """A model of a number, such as a course's engagement score."""

    kind = RegressionModel

    def learn_many(self, examples: Sequence[tuple[Features, bool | float | str]]) -> Sequence[bool]:
        """Learn values within the target's range."""
        usable = [
            not isinstance(label, bool | str) and self.model.low <= label <= self.model.high
            for _, label in examples
        ]
        self.model.learn_many(
            [
                Example(x, float(label))
                for (x, label), is_usable in zip(examples, usable, strict=True)
                if is_usable
            ]
        )
        return usable


class SessionRecommender:
    """The blend of recommenders, counted and stamped."""

    VERSION = 1

    def __init__(self, blend: Blend) -> None:
        self.blend = blend

    def stamp(self) -> ModelStamp:
        """Name, version and sessions learned."""
        learned = self.blend.index.next_session
        return ModelStamp(
            name=self.blend.name,
            version=self.VERSION,
            examples_seen=learned,
            status="ready" if learned else "warming_up",
        )

    def recommend(self, session_items: Sequence[str], count: int) -> Sequence[ScoredItem]:
        """At most `count` items, best first."""
        return self.blend.recommend(session_items, count)

    def learn_session(self, items: Sequence[str], ended_at: float, user_key: str | None) -> None:
        """Learn a closed session of at least one item."""
        if items:
            self.blend.learn_session(items, ended_at, user_key)


def _tier_of(label: bool | float | str) -> int | None:
    tier = int(label) if isinstance(label, str) and label.isdecimal() else label
    return int(tier) if not isinstance(tier, bool) and tier in TIERS else None
