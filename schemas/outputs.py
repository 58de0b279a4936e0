"""Outputs: decisions, closed sessions, training examples and failed events, in one envelope."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.events import Id


class OutputModel(BaseModel):
    """Snake case on the wire; an output never carries a field that its contract does not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )


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


class EngagementTier(Envelope):
    """How engaged a user is, sent when the tier is first known and whenever it changes."""

    schema_name: Literal["engagement_tier"] = "engagement_tier"
    tier: Annotated[int, Field(ge=1, le=3)]
    tier_name: Tier
    previous_tier: Annotated[int, Field(ge=1, le=3)] | None
    probabilities: dict[str, Annotated[float, Field(ge=0, le=1)]]


class RecommendedItem(OutputModel):
    """One item with its score and the source (level of the fallback chain) that it came from."""

    item_id: str
    score: float
    source: str


class Recommendations(Envelope):
    """What to show a user next, best first; not to be shown after `expires_at` (event time)."""

    schema_name: Literal["recommendations"] = "recommendations"
    request_id: str
    items: list[RecommendedItem]
    expires_at: AwareDatetime


class ClosedSession(Envelope):
    """A session that has ended: computed here, or summarised by its tracker.

    `items` are in the order of their event times; the duration is in seconds.
    """

    schema_name: Literal["closed_session"] = "closed_session"
    session_id: str
    started_at: AwareDatetime
    ended_at: AwareDatetime
    duration: Annotated[float, Field(ge=0)]
    event_count: Annotated[int, Field(ge=0)]
    page_views: Annotated[int, Field(ge=0)]
    items: list[str]


class TrainingExample(Envelope):
    """What a model learns from: the features as they stood when the label became known."""

    schema_name: Literal["training_example"] = "training_example"
    target: Id
    features: dict[str, float | str]
    label: bool | int | float | str


class FailureReason(StrEnum):
    """Why an input could not be processed."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    TOO_DEEP = "too_deep"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TYPE = "unknown_type"
    CONTRACT = "contract"
    MISSING_USER = "missing_user"
    MISSING_TIME = "missing_time"
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    LATE = "late"


class FailedEvent(Envelope):
    """An input that could not be processed, with its original bytes and a typed reason.

    In JSON the bytes are URL-safe base64 (RFC 4648, section 5). `original` is null only where the input
    itself was a null value.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    schema_name: Literal["failed_event"] = "failed_event"
    reason: FailureReason
    detail: str
    key: bytes | None
    original: bytes | None


Output = EngagementTier | Recommendations | ClosedSession | TrainingExample | FailedEvent
