"""The targets that are learned, and a model for each."""

from stream_app.models.content import regressors
from stream_app.models.content.model import ContentModel
from stream_app.models.learning import ClassificationModel
from stream_app.models.outcomes import contenders
from stream_app.models.spec import ClassificationSpec, RegressionSpec
from stream_app.models.tiers import classifiers

TIER = ClassificationSpec(
    name="engagement_tier",
    version=1,
    label_rule="the tier that arrives for the user: 1 low, 2 medium, 3 high",
    learners={"refit_forest": classifiers.refit_forest, "vote": classifiers.vote},
    minimum_examples=100,
    retained=5_000,
)

ENGAGEMENT = RegressionSpec(
    name="engagement_score",
    version=1,
    label_rule="the percent of an item's starters who completed it",
    learners={"refit_forest": regressors.refit_forest, "linear": regressors.linear},
    minimum_examples=200,
    value_range=(0.0, 100.0),
)

CLUSTERS = 5
OUTCOME_LEARNERS = {"curves_and_lines": contenders.curves_and_lines, "logistic": contenders.logistic}

OUTCOMES = {
    name: ClassificationSpec(
        name=name,
        version=1,
        label_rule=f"True if the user {deed} within the horizon after the features' time, else False",
        learners=OUTCOME_LEARNERS,
        minimum_examples=200,
        clusters=CLUSTERS if name == "will_return" else 0,  # all three learn the same users
    )
    for name, deed in {
        "will_return": "came back",
        "churn": "did not come back",
        "purchase": "bought",
    }.items()
}
WILL_RETURN = OUTCOMES["will_return"]


def tier_model(seed: int = 0) -> ClassificationModel:
    """Return an unlearned model of a user's engagement tier."""
    return ClassificationModel(TIER, seed)


def engagement_model(seed: int = 0) -> ContentModel:
    """Return an unlearned model of an item's engagement score."""
    return ContentModel(ENGAGEMENT, seed)


def outcome_model(name: str, seed: int = 0) -> ClassificationModel:
    """Return an unlearned model of an outcome: `will_return`, `churn` or `purchase`.

    Labels are True and False.

    Raises:
        KeyError: there is no such outcome.
    """
    return ClassificationModel(OUTCOMES[name], seed)


def unlearned_model(name: str) -> ClassificationModel | ContentModel:
    """Return an unlearned model of a target by name.

    Raises:
        KeyError: there is no such target.
    """
    if name == ENGAGEMENT.name:
        return engagement_model()
    return tier_model() if name == TIER.name else outcome_model(name)
