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
    """How engaged a user is: sent when the tier is first known, when it changes, and anew before it expires.

    It holds until `valid_until` (event time), or until the next. `reasons` are the features that counted
    most, largest contribution first; contributions are in probability. A rule gives none.
    """

    schema_name: Literal["engagement_tier"] = "engagement_tier"
    tier: Annotated[int, Field(ge=1, le=3)]
    tier_name: Tier
    previous_tier: Annotated[int, Field(ge=1, le=3)] | None
    probabilities: dict[str, Annotated[float, Field(ge=0, le=1)]]
    valid_until: AwareDatetime
    reasons: list[TierReason]


class OutcomeChance(OutputModel):
    """How probable it is that a user will do something before the outlook ends, and who says so."""

    target: Id
    probability: Annotated[float, Field(ge=0, le=1)]
    model: ModelStamp


class ClusterTrait(OutputModel):
    """What sets a cluster apart: the mean of a feature inside it and everybody's.

    `difference` is in everybody's standard deviations.
    """

    feature: str
    difference: float
    inside: float
    everybody: float


class UserCluster(OutputModel):
    """A group of users who behave alike: its share of all users, and its traits, the most telling first.

    Groups are found online, so a number's traits move with what people do.
    """

    number: Annotated[int, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1)]
    traits: list[ClusterTrait]


class Outlook(Addressed):
    """What a user will do until `ends_at` (event time): return, stay away, buy. Told at a session's end.

    `cluster` is the group of users that they belong to now; null until groups are told apart.
    """

    schema_name: Literal["outlook"] = "outlook"
    chances: list[OutcomeChance]
    ends_at: AwareDatetime
    cluster: UserCluster | None = None


@with_config(OutputModel.model_config)
@dataclass(slots=True)  # a list has many of them, and a model takes five times as long to make
class RecommendedItem:
    """One item with its score and the source (level of the fallback chain) that it came from.

    `propensity` is the probability, over the lists that might have been sent on this occasion, that the list
    has the item; `is_explored` tells that its place was drawn.
    """

    item_id: str
    score: float
    source: str
    propensity: Annotated[float, Field(gt=0, le=1)] = 1.0
    is_explored: bool = False


class Recommendations(Addressed):
    """What to show a user next, best first; not to be shown after `expires_at` (event time)."""

    schema_name: Literal["recommendations"] = "recommendations"
    request_id: str
    items: list[RecommendedItem]
    expires_at: AwareDatetime


class ContentScore(Envelope):
    """How engaging an item is: the percent of its starters who complete it, as far as can be told.

    `expected` is what the item's features and its use let expect (while the model warms up, the mean of all
    items); the score joins it with the item's own starters, and goes to their rate as they grow in number.
    `starters` and `completers` are those whose horizon has passed; `interval` holds their rate's 95 %
    confidence interval (Wilson), in percent. `reasons` are in points of the score.
    """

    schema_name: Literal["content_score"] = "content_score"
    item_id: str
    score: Annotated[float, Field(ge=0, le=100)]
    expected: Annotated[float, Field(ge=0, le=100)]
    starters: Annotated[int, Field(ge=0)]
    completers: Annotated[int, Field(ge=0)]
    interval: tuple[float, float]
    reasons: list[TierReason]
