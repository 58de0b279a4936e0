"""The models of a `ModelSet` as the stream uses them: for learning, scoring and loading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stream_app.learning.content_learner import ContentLearner
from stream_app.learning.model_adapters import Adapted, OutcomeScorer, TierScorer
from stream_app.learning.ports import Learner, Models, Recommender
from stream_app.models.learning import AnyModel, ClassificationModel
from stream_app.models.model_set import ModelSet
from stream_app.models.targets import OUTCOMES, TIER


class LearnerSet:
    """Every model as a learner; tiers learn from the label targets that senders use.

    `content_interval` is in seconds; `clock` returns wall time in epoch seconds (see `ContentLearner`).
    """

    def __init__(
        self,
        models: ModelSet,
        tier_targets: Sequence[str],
        content_interval: float,
        clock: Callable[[], float],
    ) -> None:
        self.tiers = TierScorer(models.tiers)
        self.content = ContentLearner(models.content, content_interval, clock)
        self.outcomes = {name: OutcomeScorer(model) for name, model in models.outcomes.items()}
        self.all: tuple[Adapted[Any], ...] = (self.tiers, self.content, *self.outcomes.values())
        self.by_target: Mapping[str, Learner] = {
            **dict.fromkeys(tier_targets, self.tiers),
            self.content.name: self.content,
            **self.outcomes,
        }


def scoring_models(models: ModelSet, recommender: Recommender) -> Models:
    """The models that score a batch: unlearned ones, to be replaced, and the recommender."""
    outcomes = {name: OutcomeScorer(model) for name, model in models.outcomes.items()}
    return Models(TierScorer(models.tiers), recommender, outcomes)


def is_scored_with(name: str) -> bool:
    """Whether the model with this name scores batches."""
    return name == TIER.name or name in OUTCOMES


def with_loaded(models: Models, name: str, model: AnyModel) -> Models:
    """Return the models with a loaded one in its place; only for names of scoring models.

    They are new objects, so that a batch is scored to its end with the same models.

    Raises:
        TypeError: the model is of a different kind than its name says.
    """
    if not isinstance(model, ClassificationModel):
        raise TypeError(f"{type(model).__name__} is no {ClassificationModel.__name__}")
    if name == TIER.name:
        return replace(models, tiers=TierScorer(model))
    return replace(models, outcomes={**models.outcomes, name: OutcomeScorer(model)})
