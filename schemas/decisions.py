"""Decisions on users and items: tiers, outlooks, recommendations and scores."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, with_config

from stream_app.schemas.events import Id
from stream_app.schemas.output_model import Addressed, Envelope, ModelStamp, OutputModel


class Tier(StrEnum):
    """Engagement tiers, as marketing names them; on the wire of a label they are 1, 2 and 3."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TierReason(OutputModel):
    """A feature that moved a user towards their tier (contribution above 0) or away from it."""

    feature: str
    value: float | str | None
    contribution: float


class EngagementTier(Addressed):
    """How engaged a user is: sent when the tier is first known, when it changes, and before it expires.

    It is valid until `valid_until` (event time), or until the next one. `reasons` are the features that
    counted most, largest contribution first; contributions are in probability. A rule gives no reasons.
    """

    schema_name: Literal["engagement_tier"] = "engagement_tier"
    tier: Annotated[int, Field(ge=1, le=3)]
    tier_name: Tier
    previous_tier: Annotated[int, Field(ge=1, le=3)] | None
    probabilities: dict[str, Annotated[float, Field(ge=0, le=1)]]
    valid_until: AwareDatetime
    reasons: list[TierReason]


class OutcomeChance(OutputModel):
    """The probability that a user will do something before the outlook ends, and the model that says so."""

    target: Id
    probability: Annotated[float, Field(ge=0, le=1)]
    model: ModelStamp


class ClusterTrait(OutputModel):
    """What distinguishes a cluster: a feature's mean inside it and overall.

    `difference` is in overall standard deviations.
    """

    feature: str
    difference: float
    inside: float
    everybody: float


class UserCluster(OutputModel):
    """A group of users who behave alike: its share of all users, and its traits, strongest first.

    Groups are found online, so a group's traits change with what users do.
    """

    number: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1)]
    traits: list[ClusterTrait]


class Outlook(Addressed):
    """What a user will do until `ends_at` (event time): return, stay away, buy. Sent when a session ends.

    `cluster` is the user's current group; null until groups have been found.
    """

    schema_name: Literal["outlook"] = "outlook"
    chances: list[OutcomeChance]
    ends_at: AwareDatetime
    cluster: UserCluster | None = None


@with_config(OutputModel.model_config)
@dataclass(slots=True)  # a list has many of them, and creating a model takes five times as long
class RecommendedItem:
    """One item with its score and the source (level of the fallback chain) that it came from.

    `propensity` is the probability, over the lists that might have been sent on this occasion, that the list
    contains the item; `is_explored` says that its place was drawn at random.
    """

    item_id: str
    score: float
    source: str
    propensity: Annotated[float, Field(gt=0, le=1)] = 1.0
    is_explored: bool = False


class Recommendations(Addressed):
    """What to show a user next, best first; must not be shown after `expires_at` (event time)."""

    schema_name: Literal["recommendations"] = "recommendations"
    request_id: str
    items: list[RecommendedItem]
    expires_at: AwareDatetime


class ContentScore(Envelope):
    """How engaging an item is: the estimated percentage of its starters who complete it.

    `expected` is predicted from the item's features and its use (while the model warms up, it is the mean of
    all items). The score combines it with the item's own starters, and approaches their rate as their number
    grows. `starters` and `completers` are those whose horizon has passed; `interval` is the 95 % confidence
    interval (Wilson) of their rate, in percent. `reasons` are in points of the score.
    """

    schema_name: Literal["content_score"] = "content_score"
    item_id: str
    score: Annotated[float, Field(ge=0, le=100)]
    expected: Annotated[float, Field(ge=0, le=100)]
    starters: Annotated[int, Field(ge=0)]
    completers: Annotated[int, Field(ge=0)]
    interval: tuple[float, float]
    reasons: list[TierReason]
