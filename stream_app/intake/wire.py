"""Events as the core reads them: the contract of `stream_app.schemas.events`, decoded in one pass by msgspec.

The contract rules. What does not decode here is judged by it: either it says why the event is refused, or
it reads what is only written in an unusual way (a number for a time, a number in quotes).
tests/contract/test_wire.py holds the two to the same answers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=256)]
ShortText = Annotated[str, Meta(max_length=1024)]
UrlText = Annotated[str, Meta(max_length=8192)]
UserId = Annotated[str, Meta(max_length=256)]


class _Part(msgspec.Struct, rename="camel"):
    """A part of an event; fields that the contract does not know are passed over."""


class Page(_Part):
    """The page on which something happened."""

    url: UrlText | None = None
    path: UrlText | None = None
    referrer: UrlText | None = None
    title: ShortText | None = None


class Device(_Part):
    """The device as its tracker names it."""

    type: ShortText | None = None


class Named(_Part):
    """An operating system or browser as its tracker names it."""

    name: ShortText | None = None
    version: ShortText | None = None


class Location(_Part):
    """Where the user is."""

    country: ShortText | None = None


class Campaign(_Part):
    """The campaign that brought the user."""

    source: ShortText | None = None
    medium: ShortText | None = None
    name: ShortText | None = None


class Consent(_Part):
    """What the user agreed to, by purpose."""

    category_preferences: Annotated[dict[ShortText, bool], Meta(max_length=64)] = {}


class CallContext(_Part):
    """What surrounds an event."""

    ip: ShortText | None = None
    user_agent: Annotated[str, Meta(max_length=4096)] | None = None
    locale: ShortText | None = None
    timezone: ShortText | None = None
    session_id: Id | int | None = None
    page: Page | None = None
    device: Device | None = None
    os: Named | None = None
    browser: Named | None = None
    location: Location | None = None
    campaign: Campaign | None = None
    consent: Consent | None = None
    consent_management: Any = None
    traits: Any = None
    traits_once: Any = None


class Call(_Part, kw_only=True, tag_field="type"):
    """Fields of every event."""

    type: ClassVar[str]

    message_id: Id | None = None
    user_id: UserId | None = None
    anonymous_id: UserId | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None
    context: CallContext | None = None

    @property
    def user_key(self) -> str | None:
        """The key of the user's row: the known id, else the anonymous one."""
        return self.user_id or self.anonymous_id or None


class PageCall(Call, kw_only=True, tag="page"):
    """A web page was viewed."""

    type = "page"
    name: ShortText | None = None
    category: ShortText | None = None
    properties: dict[str, Any] = {}


class ScreenCall(Call, kw_only=True, tag="screen"):
    """A screen of an app was viewed."""

    type = "screen"
    name: ShortText | None = None
    category: ShortText | None = None
    properties: dict[str, Any] = {}


class TrackCall(Call, kw_only=True, tag="track"):
    """The user did something; `event` names it."""

    type = "track"
    event: Annotated[str, Meta(min_length=1, max_length=256)]
    properties: dict[str, Any] = {}


class IdentifyCall(Call, kw_only=True, tag="identify"):
    """Who the user is, and traits known of them."""

    type = "identify"
    traits: dict[str, Any] = {}


class AliasCall(Call, kw_only=True, tag="alias"):
    """Two ids are one user."""

    type = "alias"
    previous_id: Id


class GroupCall(Call, kw_only=True, tag="group"):
    """The account or organisation that the user belongs to."""

    type = "group"
    group_id: Id
    traits: dict[str, Any] = {}


class SessionTotals(_Part, kw_only=True):
    """A tracker's summary of a session that it has closed; the duration is in seconds."""

    session_id: Id | None = None
    page_views: Annotated[int, Meta(ge=0, le=1_000_000)]
    duration: Annotated[float, Meta(ge=0, le=7 * 86_400)]
    items: Annotated[list[Id], Meta(max_length=1000)] = []
    search_query: ShortText | None = None


class SessionCall(Call, kw_only=True, tag="session"):
    """A finished session's summary."""

    type = "session"
    properties: SessionTotals


class GivenLabel(_Part, kw_only=True):
    """A truth about the user, or about the item that it names."""

    target: Id
    value: bool | int | float | Annotated[str, Meta(max_length=256)]
    item_id: Id | None = None
    features: Annotated[dict[Id, float | ShortText], Meta(max_length=256)] | None = None


class LabelCall(Call, kw_only=True, tag="label"):
    """A truth that arrives later."""

    type = "label"
    properties: GivenLabel


Event = PageCall | ScreenCall | TrackCall | IdentifyCall | AliasCall | GroupCall | SessionCall | LabelCall

decode_event = msgspec.json.Decoder(Event).decode


def convert_event(event: dict[str, Any]) -> Event:
    """The typed form of an event that is a plain object already."""
    converted: Event = msgspec.convert(event, Event)
    return converted
