"""Outputs: decisions, closed sessions, training examples and failed events, in one envelope."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, with_config

from stream_app.schemas.events import Id


class OutputModel(BaseModel):
    """Snake case on the wire; an output never carries a field that its contract does not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )

    @classmethod
    def of_valid(cls, **values: Any) -> Self:
        """Return an output of values that are known to keep the contract, which are not judged again.

        Fields with a default may be left out.
        """
        made = cls.__new__(cls)
        # What pydantic's `model_construct` sets, without its look at each field for aliases that none has.
        object.__setattr__(made, "__dict__", {**_defaults(cls), **values})
        object.__setattr__(made, "__pydantic_fields_set__", set(values))
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made

    def encode(self) -> bytes:
        """Return the output as JSON."""
        return _encode(self.__dict__)


@cache
def _defaults(contract: type[OutputModel]) -> dict[str, Any]:
    fields = contract.model_fields.items()
    return {name: field.default for name, field in fields if not field.is_required()}


_encode = msgspec.json.Encoder(enc_hook=vars).encode  # pydantic's own takes twice as long


class SourcePosition(OutputModel):
    """The record that caused an output."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class ModelStamp(OutputModel):
    """The model that decided: its name, version and how many examples it had seen."""

    name: str
    version: Annotated[int, Field(ge=0)]
    examples_seen: Annotated[int, Field(ge=0)]
    status: Literal["warming_up", "ready"]


class Envelope(OutputModel):
    """What every output carries.

    `id` is a function of the output's cause, so a repeat after a crash has the same id and can be dropped.
    `as_of` is event time; `emitted_at` is the wall clock and the only field that a replay changes.
    """

    schema_version: Literal[1] = 1
    id: str
    user_key: str | None
    as_of: AwareDatetime
    emitted_at: AwareDatetime
    source: SourcePosition
    model: ModelStamp | None = None


class Tier(StrEnum):
    """Engagement tiers, as marketing names them; on the wire of a label they are 1, 2 and 3."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Addressed(Envelope):
    """An output that reaches a user by somebody's hands: what they agreed to, and their control group."""

    consent: list[Literal["analytics", "personalisation", "marketing"]]
    control_group: str | None


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


class RecommendationClick(Envelope):
    """A user looked at an item of a list sent to them while it was valid, `delay` seconds after.

    `rank` counts from 1. Each place of a list is clicked once at most, and a click belongs to one list, the
    newest that holds the item.
    """

    schema_name: Literal["recommendation_click"] = "recommendation_click"
    request_id: str
    item_id: str
    rank: Annotated[int, Field(ge=1)]
    item_source: str
    propensity: Annotated[float, Field(gt=0, le=1)]
    is_explored: bool
    delay: Annotated[float, Field(ge=0)]


class ExploredPlace(Envelope):
    """A place of a list was drawn for a source to fill, or its item was clicked: exploration learns from it.

    It comes beside the list or the click that it follows from, and names nobody.
    """

    schema_name: Literal["explored_place"] = "explored_place"
    request_id: str
    item_source: str
    is_clicked: bool


class ItemFacts(OutputModel):
    """What the catalogue, else events told of an item; null where they did not."""

    category: str | None = None
    brand: str | None = None


class ClosedSession(Envelope):
    """A session that has ended: computed here, or summarised by its tracker.

    `items` are in the order of their event times; the duration is in seconds. A bot's are not learned from.
    The device and the country are those that the user was seen with most. Unless `may_personalise`, nothing
    is to be learned of the user. `item_facts` are of the items of which something was told last.
    """

    schema_name: Literal["closed_session"] = "closed_session"
    session_id: str
    started_at: AwareDatetime
    ended_at: AwareDatetime
    duration: Annotated[float, Field(ge=0)]
    event_count: Annotated[int, Field(ge=0)]
    page_views: Annotated[int, Field(ge=0)]
    items: list[str]
    is_bot: bool
    device: str | None = None
    country: str | None = None
    may_personalise: bool = False
    item_facts: dict[str, ItemFacts] = {}


LabelValue = bool | int | float | str


class TrainingExample(Envelope):
    """What models learn from: the features of one moment, and what became known of it later.

    `other_labels` are those of other targets that became known of the same moment at the same time.
    """

    schema_name: Literal["training_example"] = "training_example"
    target: Id
    features: dict[str, float | str]
    label: LabelValue
    other_labels: dict[Id, LabelValue] = {}


class ItemOutcome(OutputModel):
    """One start of an item, and whether it was completed within the horizon.

    `uses` counts the user's starting events of the item until then; `has_returned` tells of uses on another
    day. `features` are what the catalogue said of the item when this was told.
    """

    item_id: str
    started_at: AwareDatetime
    is_completed: bool
    uses: Annotated[int, Field(ge=1)]
    has_returned: bool
    features: dict[str, float | str] = {}


class ItemOutcomes(Envelope):
    """What became of items that a user started, once their horizon has passed; the earliest start first."""

    schema_name: Literal["item_outcomes"] = "item_outcomes"
    target: Literal["engagement_score"] = "engagement_score"
    outcomes: Annotated[list[ItemOutcome], Field(min_length=1)]


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


class FailureReason(StrEnum):
    """Why an input could not be processed."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    TOO_DEEP = "too_deep"
    NOT_AN_OBJECT = "not_an_object"
    UNREADABLE_FORM = "unreadable_form"
    SEVERAL_EVENTS = "several_events"
    UNKNOWN_TYPE = "unknown_type"
    CONTRACT = "contract"
    MISSING_USER = "missing_user"
    UNTRUSTED = "untrusted"
    MISSING_TIME = "missing_time"
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    LATE = "late"
    UNPROCESSABLE = "unprocessable"
    TOO_LARGE_OUTPUT = "too_large_output"


class CutBytes(OutputModel):
    """What was too long to be kept whole: its length in bytes and its SHA-256 in hex, before it was cut."""

    length: Annotated[int, Field(ge=0)]
    sha256: str


KEPT_KEY_BYTES = 1_024
KEPT_ORIGINAL_BYTES = 1_048_576


class FailedEvent(Envelope):
    """An input that could not be processed, with its original bytes and a typed reason.

    In JSON the bytes are URL-safe base64 (RFC 4648, section 5). `original` is null only where the input
    itself was a null value. A key longer than `KEPT_KEY_BYTES` and an original longer than
    `KEPT_ORIGINAL_BYTES` are cut to that, and `key_cut` and `original_cut` tell what they were. Of a record
    that stopped a worker again and again nothing is kept but that.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    schema_name: Literal["failed_event"] = "failed_event"
    reason: FailureReason
    detail: str
    key: bytes | None
    original: bytes | None
    key_cut: CutBytes | None = None
    original_cut: CutBytes | None = None

    def encode(self) -> bytes:
        """Return the output as JSON, with its bytes as base64."""
        return self.model_dump_json().encode()


class UserErased(Envelope):
    """A user whose data was erased: whoever keeps any of it is to delete it. `as_of` is until when."""

    schema_name: Literal["user_erased"] = "user_erased"


class StoreErasure(OutputModel):
    """What an erasure came to in one store, with counts of what was removed by kind.

    `removed`: it is gone. `announced`: whoever holds it was told to remove it. `expires`: it goes within
    `expires_within` seconds by the topic's retention. `anonymous`: nothing in it names a user.
    """

    store: str
    state: Literal["removed", "announced", "expires", "anonymous"]
    removed: dict[str, Annotated[int, Field(ge=0)]] = {}
    expires_within: int | None = None


class Unlearning(Envelope):
    """A user was erased: the trainer is to take their examples out and have its models learn without them.

    `request_id` and `subject` are those of the request that asked for it; null where another row's did.
    """

    schema_name: Literal["unlearning"] = "unlearning"
    request_id: Id | None
    subject: str | None


class ModelErasure(OutputModel):
    """A model that learned without a user: of so many examples, from this snapshot's training offset on."""

    model: str
    examples: Annotated[int, Field(ge=0)]
    training_offset: Annotated[int, Field(ge=-1)]


class PrivacyReceipt(Envelope):
    """The answer to a privacy request. It names the user by a keyed hash alone: `user_key` is null.

    Events of the user up to `as_of` are dropped from now on, whenever they come again. A second receipt of
    the same request names the `models` and from which of their snapshots on nothing of the user is left.
    """

    schema_name: Literal["privacy_receipt"] = "privacy_receipt"
    request_id: Id
    kind: Literal["erase"]
    subject: str
    stores: list[StoreErasure]
    models: list[ModelErasure] = []


Output = (
    EngagementTier
    | Outlook
    | Recommendations
    | RecommendationClick
    | ExploredPlace
    | ClosedSession
    | TrainingExample
    | ItemOutcomes
    | ContentScore
    | FailedEvent
    | UserErased
    | Unlearning
    | PrivacyReceipt
)
