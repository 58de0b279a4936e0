"""Input events: one tagged union in the Segment/RudderStack JSON form (camelCase on the wire).

Source of the form: Segment's "Common fields" and per-call specifications. `session` and `label` are
this product's own additions: a finished session's summary, and a truth that arrives later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

Id = Annotated[str, Field(min_length=1, max_length=256)]
ShortText = Annotated[str, Field(max_length=1024)]
UrlText = Annotated[str, Field(max_length=8192)]
UserId = Annotated[str, Field(max_length=256)]
LabelValue = bool | int | float | Annotated[str, Field(max_length=256)]


class WireModel(BaseModel):
    """Camel case on the wire, snake case in Python; unknown fields are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False
    )


class PageContext(WireModel):
    """The page on which something happened (Segment `context.page`)."""

    url: UrlText | None = None
    path: UrlText | None = None
    referrer: UrlText | None = None
    title: ShortText | None = None


class DeviceContext(WireModel):
    """The device as named by the tracker (Segment `context.device`)."""

    type: ShortText | None = None


class NamedContext(WireModel):
    """An operating system or browser as named by the tracker (Segment `context.os`)."""

    name: ShortText | None = None
    version: ShortText | None = None


class LocationContext(WireModel):
    """Where the user is (Segment `context.location`)."""

    country: ShortText | None = None


class CampaignContext(WireModel):
    """The campaign that brought the user (Segment `context.campaign`)."""

    source: ShortText | None = None
    medium: ShortText | None = None
    name: ShortText | None = None


class ConsentContext(WireModel):
    """What the user agreed to, by purpose (Segment `context.consent`)."""

    category_preferences: Annotated[dict[ShortText, bool], Field(max_length=64)] = {}


class Context(WireModel):
    """The context of an event; every part may be missing."""

    ip: ShortText | None = None
    user_agent: Annotated[str, Field(max_length=4096)] | None = None
    locale: ShortText | None = None
    timezone: ShortText | None = None
    session_id: Id | int | None = None
    page: PageContext | None = None
    device: DeviceContext | None = None
    os: NamedContext | None = None
    browser: NamedContext | None = None
    location: LocationContext | None = None
    campaign: CampaignContext | None = None
    consent: ConsentContext | None = None
    consent_management: Annotated[
        Any,
        Field(
            description="What the user agreed to, in RudderStack's form: an object with the lists "
            "`allowedConsentIds` and `deniedConsentIds`."
        ),
    ] = None
    traits: Annotated[
        Any, Field(description="Traits of the user beside any event (Segment `context.traits`): an object.")
    ] = None
    traits_once: Annotated[
        Any, Field(description="Traits that count only until one of that name is known: an object.")
    ] = None


_GIVEN: JsonDict = {"type": "string", "minLength": 1}


def _needs_one_of(*names: str) -> JsonDict:
    return {"anyOf": [{"required": [name], "properties": {name: _GIVEN}} for name in names]}


class BaseEvent(WireModel):
    """Fields of every event. Times without an offset are read as UTC.

    `timestamp` is event time. If it is missing, event time is `originalTimestamp`, by the device's clock,
    corrected by that clock's error at the time of sending: `receivedAt - (sentAt - originalTimestamp)`
    (Segment's specification of timestamps).

    An empty id counts as missing: RudderStack's trackers send `"userId": ""` until a user is known.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [_needs_one_of("userId", "anonymousId"), _needs_one_of("timestamp", "originalTimestamp")]
        }
    )

    message_id: Id | None = None
    user_id: UserId | None = None
    anonymous_id: UserId | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None
    context: Context | None = None

    @property
    def user_key(self) -> str | None:
        """The key of the user's row: the known id, or else the anonymous one."""
        return self.user_id or self.anonymous_id or None


class PageEvent(BaseEvent):
    """A web page was viewed."""

    type: Literal["page"]
    name: ShortText | None = None
    category: ShortText | None = None
    properties: dict[str, Any] = {}


class ScreenEvent(BaseEvent):
    """A screen of an app was viewed."""

    type: Literal["screen"]
    name: ShortText | None = None
    category: ShortText | None = None
    properties: dict[str, Any] = {}


class TrackEvent(BaseEvent):
    """The user did something; `event` names it (e-commerce names after Segment's specification)."""

    type: Literal["track"]
    event: Annotated[str, Field(min_length=1, max_length=256)]
    properties: dict[str, Any] = {}


class IdentifyEvent(BaseEvent):
    """Who the user is, and their known traits."""

    type: Literal["identify"]
    traits: dict[str, Any] = {}


class AliasEvent(BaseEvent):
    """Two ids are one user: the history of `previousId` belongs to `userId` (Segment's alias call)."""

    type: Literal["alias"]
    previous_id: Id


class GroupEvent(BaseEvent):
    """The account or organisation that the user belongs to."""

    type: Literal["group"]
    group_id: Id
    traits: dict[str, Any] = {}


class SessionSummary(WireModel):
    """A tracker's summary of a session that it has closed; the duration is in seconds."""

    session_id: Id | None = None
    page_views: Annotated[int, Field(ge=0, le=1_000_000)]
    duration: Annotated[float, Field(ge=0, le=7 * 86_400)]
    items: Annotated[list[Id], Field(max_length=1000)] = []
    search_query: ShortText | None = None


class SessionEvent(BaseEvent):
    """A finished session's summary; its `timestamp` is when the session ended."""

    type: Literal["session"]
    properties: SessionSummary


class Label(WireModel):
    """A true label of the user, such as the tier shown by a later campaign.

    A label of something else (a course, a page) names it in `item_id` and carries its `features`.
    """

    target: Id
    value: LabelValue
    item_id: Id | None = None
    features: Annotated[dict[Id, float | ShortText], Field(max_length=256)] | None = None


class LabelEvent(BaseEvent):
    """A label that arrives later; its `timestamp` is when it became known."""

    type: Literal["label"]
    properties: Label


ContractEvent = (
    PageEvent | ScreenEvent | TrackEvent | IdentifyEvent | AliasEvent | GroupEvent | SessionEvent | LabelEvent
)

EVENT_TYPES: tuple[str, ...] = ("page", "screen", "track", "identify", "alias", "group", "session", "label")

EVENT_ADAPTER: TypeAdapter[ContractEvent] = TypeAdapter(Annotated[ContractEvent, Field(discriminator="type")])
