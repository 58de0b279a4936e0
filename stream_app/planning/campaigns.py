"""What a marketer declares: channels, types of notifications, caps, pace, the control group.

The models are the contract of a campaign file (TOML); `schemas/json/campaign.json` is their JSON Schema.
Spans are written like "30m", "12h" or "3d", times of day like "21:00".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from stream_app.planning.local_time import QuietHours, find_zone
from stream_app.planning.segments import Segment
from stream_app.settings.rules import DAY, HOUR, MINUTE

_UNITS = {"s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
LONGEST_SPAN = 366 * DAY


def read_span(written: object) -> float:
    """Seconds of a span such as "30m" or "3d".

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(\d{1,6})([smhdw])", written) if isinstance(written, str) else None
    if found is None or int(found[1]) * _UNITS[found[2]] > LONGEST_SPAN:
        raise ValueError('write a span of at most a year, such as "30m", "12h" or "3d"')
    return int(found[1]) * _UNITS[found[2]]


def _read_minute(written: object) -> int:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", written) if isinstance(written, str) else None
    if found is None:
        raise ValueError('write a time of day such as "21:00"')
    return int(found[1]) * 60 + int(found[2])


def _check_zone(name: str) -> str:
    if find_zone(name) is None:
        raise ValueError(f'{name!r} is no time zone: write an IANA name such as "Europe/Berlin"')
    return name


Span = Annotated[float, BeforeValidator(read_span, json_schema_input_type=str)]
Minute = Annotated[int, BeforeValidator(_read_minute, json_schema_input_type=str)]
Zone = Annotated[str, AfterValidator(_check_zone)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Count = Annotated[int, Field(ge=0, le=1000)]


class Purpose(StrEnum):
    """Marketing needs consent and keeps caps and quiet hours; what is transactional overrides them."""

    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Caps(_Declared):
    """The most notifications a user gets in a calendar day and week of their own clock."""

    per_day: Count | None = None
    per_week: Count | None = None
    per_week_by_segment: dict[Segment, Count] = {}

    def of_week(self, segment: Segment | None) -> int | None:
        """The cap of a week for a user of this segment; None for no cap."""
        return self.per_week if segment is None else self.per_week_by_segment.get(segment, self.per_week)


class Channel(_Declared):
    """A way to reach a user. Quiet hours are local, [from, to), over midnight where from is later."""

    name: Name
    quiet_hours: Annotated[list[Minute], Field(min_length=2, max_length=2)] | None = None
    caps: Caps = Caps()

    @cached_property
    def quiet(self) -> QuietHours | None:
        """The quiet hours."""
        return None if self.quiet_hours is None else QuietHours(*self.quiet_hours)


class Pace(_Declared):
    """How fast all sends together may go."""

    per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 60_000


class Experiment(_Declared):
    """The users who get no marketing, for comparison: a keyed hash of each user for this name."""

    name: Name
    control_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1


class EventTrigger(_Declared):
    """Begins when the user does this and, within `after`, none of `unless`."""

    kind: Literal["event"]
    event: Name
    after: Span = 0.0
    unless: list[Name] = []


class AbsenceTrigger(_Declared):
    """Begins when the user has not come for so long."""

    kind: Literal["absence"]
    after: Span


class EnteredTrigger(_Declared):
    """Begins when the user enters a segment."""

    kind: Literal["segment"]
    segments: Annotated[list[Segment], Field(min_length=1)]


class ScheduleTrigger(_Declared):
    """Comes up for every eligible user on these days of their own week (1 is Monday)."""

    kind: Literal["schedule"]
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1)] = [1, 2, 3, 4, 5, 6, 7]


Trigger = Annotated[
    EventTrigger | AbsenceTrigger | EnteredTrigger | ScheduleTrigger, Field(discriminator="kind")
]


class Items(_Declared):
    """The items that the text names: up to `count`; with fewer than `least` the type is not eligible."""

    source: Literal["cart", "recommender", "viewed"]
    count: Annotated[int, Field(ge=1, le=12)] = 1
    least: Annotated[int, Field(ge=1, le=12)] = 1


class Content(_Declared):
    """Liquid templates of one language: `{{ items[0].name }}`; `{{ user.name }}` is left as it is."""

    title: Annotated[str, Field(min_length=1, max_length=500)]
    text: Annotated[str, Field(min_length=1, max_length=5_000)]


class NotificationType(_Declared):
    """One kind of notification.

    Higher `priority` goes first. After a send the type rests for `cool_down`. Once triggered it is worth
    sending for `valid_for`. `in_session` types may be sent while the user is on the site.
    """

    name: Name
    channel: Name
    purpose: Purpose = Purpose.MARKETING
    trigger: Trigger
    segments: list[Segment] = []
    content: Annotated[dict[str, Content], Field(min_length=1)]
    items: Items | None = None
    priority: Annotated[int, Field(ge=0, le=100)] = 50
    cool_down: Span = 0.0
    valid_for: Annotated[Span, Field(gt=0)] = DAY
    in_session: bool = False

    @property
    def is_marketing(self) -> bool:
        """Whether it needs consent and keeps caps and quiet hours."""
        return self.purpose is Purpose.MARKETING

    def suits(self, segment: Segment | None) -> bool:
        """Whether users of the segment may get it; no segments named means all."""
        return not self.segments or segment in self.segments


class Campaign(_Declared):
    """A whole campaign file. Only a campaign in state `live` sends; a draft writes plans."""

    version: Literal[1]
    name: Name
    state: Literal["draft", "live", "stopped"] = "draft"
    default_time_zone: Zone = "UTC"
    default_language: Name = "en"
    channels: Annotated[list[Channel], Field(min_length=1)]
    shared_caps: Caps = Caps()
    pace: Pace = Pace()
    experiment: Experiment | None = None
    types: Annotated[list[NotificationType], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for what, names in (
            ("channel", [channel.name for channel in self.channels]),
            ("type", [kind.name for kind in self.types]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} stands twice: give each a name of its own")
        known = {channel.name for channel in self.channels}
        for kind in self.types:
            if kind.channel not in known:
                raise ValueError(
                    f"type {kind.name!r} names channel {kind.channel!r}, which is not declared: "
                    f"write one of {', '.join(sorted(known))}"
                )
            if self.default_language not in kind.content:
                raise ValueError(
                    f"type {kind.name!r} has no content in {self.default_language!r}, the default language"
                )
        return self

    def changed(self, **changes: object) -> Self:
        """The campaign with other values of some fields, which are not judged again."""
        copy = self.model_copy(update=changes)
        for name in ("by_name", "channel_by_name", "numbers"):
            copy.__dict__.pop(name, None)  # pydantic copies what was cached along with the fields
        return copy

    @cached_property
    def by_name(self) -> Mapping[str, NotificationType]:
        """The types by their names."""
        return {kind.name: kind for kind in self.types}

    @cached_property
    def channel_by_name(self) -> Mapping[str, Channel]:
        """The channels by their names."""
        return {channel.name: channel for channel in self.channels}

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Each type's place in the file."""
        return {kind.name: number for number, kind in enumerate(self.types)}
