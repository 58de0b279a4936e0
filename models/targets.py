"""The targets that are learned, and a model for each."""

from models import classifiers, regressors
from models.learning import ClassificationModel, RegressionModel
from models.spec import ClassificationSpec, RegressionSpec

TIER = ClassificationSpec(
    name="engagement_tier",
    version=1,
    label_rule="the tier that arrives for the user: 1 low, 2 medium, 3 high",
    learners={
        "lasting_forest": classifiers.lasting_forest,
        "refit_forest": classifiers.refit_forest,
        "vote": classifiers.vote,
    },
    minimum_examples=100,
)

ENGAGEMENT = RegressionSpec(
    name="engagement_score",
    version=1,
    label_rule="the percent of an item's starters who completed it",
    learners={"refit_forest": regressors.refit_forest, "linear": regressors.linear},
    minimum_examples=200,
    value_range=(0.0, 100.0),
)


def tier_model(seed: int = 0) -> ClassificationModel:
    """Return an unlearned model of a user's engagement tier."""
    return ClassificationModel(TIER, seed)


def engagement_model(seed: int = 0) -> RegressionModel:
    """Return an unlearned model of an item's engagement score."""
    return RegressionModel(ENGAGEMENT, seed)
