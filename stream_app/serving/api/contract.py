"""What the API takes and gives, as its OpenAPI document has it. Times are UTC."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from stream_app.schemas.outputs import (
    EngagementTier,
    ModelErasure,
    Outlook,
    PrivacyReceipt,
    Recommendations,
    RecommendedItem,
    StoreErasure,
    TierReason,
)

MOST_ITEMS = 100
MOST_COUNT = 100
ItemId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
FeatureName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
SurfaceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Probability = Annotated[float, Field(ge=0, le=1)]
Features = dict[str, float | str]

__all__ = ["ModelErasure", "PrivacyReceipt", "StoreErasure"]


class Given(BaseModel):
    """What is given: every field is there."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Asked(BaseModel):
    """What is asked: a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Consent(Given):
    """The purposes that a user agrees to; `is_said` tells whether they said so, rather than the default."""

    is_said: bool
    purposes: list[str]


class OpenSession(Given):
    """A session that may still grow; its items in click order."""

    started_at: AwareDatetime
    last_at: AwareDatetime
    event_count: int
    page_views: int
    items: list[str]


class UserView(Given):
    """What is known of a user now. `user_key` is the id under which it is kept; `seen_at` the last event.

    `tier` and `outlook` are those told last; `is_tier_valid` whether the tier still holds at `seen_at`.
    """

    user_id: str
    user_key: str
    seen_at: AwareDatetime
    is_identified: bool
    is_bot: bool
    control_group: str | None
    consent: Consent
    tier: EngagementTier | None
    is_tier_valid: bool
    outlook: Outlook | None
    interests: dict[str, dict[str, float]]
    features: Features
    open_session: OpenSession | None


class UserLine(Given):
    """A user in a list, with the probability of tier 3 (high)."""

    user_key: str
    tier: Annotated[int, Field(ge=1, le=3)]
    tier_name: str
    engagement: Probability
    as_of: AwareDatetime


class UserList(Given):
    """Users, the most engaged first; `next` leads to the rest."""

    users: list[UserLine]
    total: int
    next: str | None


class TimelineEntry(Given):
    """One output about a user; `sequence` is its place among all outputs."""

    sequence: int
    schema_name: str
    output: dict[str, Any]


class Timeline(Given):
    """A user's outputs, the newest first; `next` leads to older ones."""

    entries: list[TimelineEntry]
    next: str | None


class UserRecommendations(Given):
    """What would be shown now, best first, with why; and the list that was sent last."""

    user_key: str
    session_items: list[str]
    origin: str
    items: list[ExplainedItem]
    sent: Recommendations | None


class ExplainedItem(Given):
    """An item with its source in words; `after` is the item of the session that leads to it most."""

    item_id: str
    score: float
    source: str
    why: str
    after: str | None
    source_shares: dict[str, float]


class Circumstances(Asked):
    """Where and when recommendations are asked for. `at` is now where it is left out."""

    device: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    country: CountryCode | None = None
    at: AwareDatetime | None = None


class RecommendationRequest(Asked):
    """A session that is not known yet: its items in click order. `surface` is where the list will stand.

    With `anonymous_id` the earlier items of a visitor count who was never identified; of anybody else's id
    nothing is used.
    """

    items: Annotated[list[ItemId], Field(max_length=MOST_ITEMS)] = []
    count: Annotated[int, Field(ge=1, le=MOST_COUNT)] = 10
    exclude: Annotated[list[ItemId], Field(max_length=MOST_ITEMS)] = []
    context: Circumstances = Circumstances()
    surface: SurfaceName = "api"
    anonymous_id: ItemId | None = None


class RecommendationAnswer(Given):
    """A list, best first. Its `request_id` goes with what is told of it at `/v1/impressions`."""

    request_id: str
    items: list[RecommendedItem]
    note: str | None


class Impression(Asked):
    """Items of a list that were seen, and the one that was clicked."""

    request_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    seen: Annotated[list[ItemId], Field(max_length=MOST_ITEMS)] = []
    clicked: ItemId | None = None


class ImpressionAnswer(Given):
    """How many were counted for the first time."""

    seen: int
    clicked: int


class ItemNeighbour(Given):
    """An item that goes with another, and how closely (a cosine of visits that decay)."""

    item_id: str
    score: float


class ItemScoreView(Given):
    """How many of an item's starters complete it, in percent, as `content_score` outputs have it."""

    score: float
    expected: float
    starters: int
    completers: int
    interval: tuple[float, float]
    reasons: list[TierReason]


class ItemView(Given):
    """What is known of an item; `score` is null where nobody is known to have started it.

    `neighbours_of` is the narrowest context with evidence enough, such as `mobile||DE`, or `all`.
    """

    item_id: str
    category: str | None
    brand: str | None
    score: ItemScoreView | None
    neighbours: list[ItemNeighbour]
    neighbours_of: str


class NextItem(Given):
    """A click that may follow, and its probability given that one follows."""

    item_id: str
    probability: Probability


class NextItems(Given):
    """The likeliest path of clicks from an item on, and the likeliest next clicks."""

    item_id: str
    next: list[NextItem]
    path: list[NextItem]


class WhatIfRequest(Asked):
    """What if features were otherwise, of a user or an item? `controls` are features that you can change."""

    user: ItemId | None = None
    item: ItemId | None = None
    target: Annotated[str, StringConstraints(max_length=64)] = "engagement_tier"
    changes: Annotated[
        dict[FeatureName, float | Annotated[str, StringConstraints(max_length=256)]], Field(max_length=50)
    ] = {}
    controls: Annotated[list[FeatureName], Field(max_length=20)] = []


class TriedChange(Given):
    """A feature set to a value, and the score that the model then gives."""

    feature: str
    before: float | str | None
    value: float | str
    score: float
    gain: float


class WhatIfAnswer(Given):
    """The score as it is and as changed, what would raise it most, and all that was tried."""

    subject: str
    target: str
    score: float
    score_after: float
    suggestions: list[TriedChange]
    tried: list[TriedChange]


class RateView(Given):
    """How many of how many, with a 95 % interval."""

    hits: int
    total: int
    share: float
    interval: tuple[float, float]


class DriverView(Given):
    """A trait: the rate among those who have it and among the others; `effect` is the difference."""

    name: str
    inside: RateView
    outside: RateView
    effect: float
    effect_interval: tuple[float, float]


class DriverReport(Given):
    """What is associated with an outcome, by dimension, most certain first. It need not be a cause."""

    meaning: str
    rate: RateView
    drivers: dict[str, list[DriverView]]


class TraitView(Given):
    """What sets a group apart: the mean inside and everybody's, the difference in standard deviations."""

    feature: str
    difference: float
    inside: float
    everybody: float


class ClusterView(Given):
    """A group of users who behave alike."""

    number: int
    users: int
    share: float
    traits: list[TraitView]


class ClusterReport(Given):
    """Groups of all users."""

    users: int
    clusters: list[ClusterView]


class SegmentView(Given):
    """A segment of recency, frequency and money: its users, and the means of what decides it."""

    name: str
    users: int
    share: Probability
    recency_days: float
    sessions: float
    spent: float


class SegmentReport(Given):
    """The segments that have users, and how many users there are in all."""

    users: int
    segments: list[SegmentView]


class ModelView(Given):
    """A model with its scores beside its baseline's; each example was judged before it was learned."""

    name: str
    version: int
    examples_seen: int
    status: Literal["warming_up", "ready"]
    scores: dict[str, dict[str, dict[str, float | None]]]


class ModelReport(Given):
    """Every model, and how well each source of recommendations foresaw next clicks."""

    models: list[ModelView]
    recommender: dict[str, dict[str, float | None]]


class ShownCounts(Given):
    """Of lists that this process gave: items seen and clicked."""

    given: int
    seen: int
    clicked: int


class Status(Given):
    """How fresh the data is, and how much there is.

    `sequence` is the place of the newest output, `event_time` its event time. `seconds_behind` is how long
    ago that output was written; null where there is none.
    """

    users: int
    users_by_tier: dict[str, int]
    outputs: dict[str, int]
    sequence: int
    event_time: AwareDatetime | None
    seconds_behind: float | None
    recommendations: dict[str, ShownCounts]


class Erasure(Given):
    """The state of an erasure request; the receipt is there once the erasure is done."""

    request_id: str
    state: Literal["done", "waiting"]
    receipt: PrivacyReceipt | None


class Export(Given):
    """Everything stored about a user."""

    user_id: str
    rows: dict[str, dict[str, Any]]
    outputs: dict[str, list[dict[str, Any]]]
    recommender_sessions: list[dict[str, Any]]


class UserAsked(Asked):
    """Whom a privacy request is about."""

    user_id: ItemId


class ScoredItemView(ItemScoreView):
    """An item with its engagement score."""

    item_id: str


class ContentReport(Given):
    """Items whose score is known: how many there are, and the most started."""

    items: int
    status: Literal["warming_up", "ready"]
    scores: list[ScoredItemView]


class DayView(Given):
    """A day of event time (UTC). `flows` are users from a tier (0: none yet) to a tier, and how many."""

    day: str
    events: int
    outputs: dict[str, int]
    flows: list[tuple[int, int, int]]


class History(Given):
    """What came in and out by day, and what was refused by reason."""

    days: list[DayView]
    failed: dict[str, int]
