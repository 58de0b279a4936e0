"""Every model of the product, one per target."""

from collections.abc import Mapping
from dataclasses import dataclass

from stream_app.models import targets
from stream_app.models.content.model import ContentModel
from stream_app.models.learning import ClassificationModel


@dataclass(frozen=True)
class ModelSet:
    """The tier model, the content model, and the outcome models by target."""

    tiers: ClassificationModel
    content: ContentModel
    outcomes: Mapping[str, ClassificationModel]


def unlearned_models(seed: int = 0) -> ModelSet:
    """Return all models before their first example."""
    return ModelSet(
        targets.tier_model(seed),
        targets.engagement_model(seed),
        {name: targets.outcome_model(name, seed) for name in targets.OUTCOMES},
    )
