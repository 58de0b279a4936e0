"""The job that other stream processors can do too, as a pure module shared by all contenders in Python.

A record is decoded and validated, a user's repeats are dropped by message id, the user's events and amounts
are counted and summed in tumbling windows of an hour and a day, and every event gives one output. Each user
has one row; contenders differ in how they store it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

HOUR = 3_600
DAY = 86_400
RECENT_IDS = 32
KEPT_WINDOWS = 2
"""The newest window and the one before: what is older than both is counted no more."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Properties(msgspec.Struct, gc=False):
    """The properties with an event's amount: its revenue, or else its price."""

    revenue: Amount | None = None
    price: Amount | None = None


class Event(msgspec.Struct, rename="camel", gc=False):
    """The fields of a Segment event that this job reads; all others are ignored."""

    message_id: Name
    type: Literal["page", "screen", "track", "identify", "group", "alias", "session", "label"]
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    user_id: Name | None = None
    anonymous_id: Name | None = None
    event: Name | None = None
    properties: Properties | None = None


class Window(msgspec.Struct, array_like=True, gc=False):
    """A tumbling window: its start in epoch seconds, its event count, and their total amount in cents."""

    start: int
    count: int = 0
    cents: int = 0


class Row(msgspec.Struct, array_like=True):
    """Everything stored about one user. Windows are ordered by start."""

    recent_ids: list[str] = []
    hours: list[Window] = []
    days: list[Window] = []


class Totals(msgspec.Struct, gc=False):
    """The output of one event: the windows that it falls into, including itself."""

    id: str
    user: str
    hour: int
    hour_count: int
    hour_cents: int
    day: int
    day_count: int
    day_cents: int


_event_decoder = msgspec.json.Decoder(Event)
_row_decoder = msgspec.msgpack.Decoder(Row)
encode_row = msgspec.msgpack.Encoder().encode
decode_row = _row_decoder.decode
encode_totals = msgspec.json.Encoder().encode


def decode_event(value: bytes) -> Event | None:
    """An event, or None if the record is not one."""
    try:
        event = _event_decoder.decode(value)
    except msgspec.DecodeError:
        return None
    has_user = event.user_id is not None or event.anonymous_id is not None
    has_name = event.type != "track" or event.event is not None
    return event if has_user and has_name else None


def user_of(event: Event) -> str:
    """The key of an event's row."""
    return event.user_id or event.anonymous_id or ""


def update(row: Row, event: Event) -> Totals | None:
    """Update a user's row; None if the event is a repeat, which changes nothing."""
    recent = row.recent_ids
    if event.message_id in recent:
        return None
    recent.append(event.message_id)
    if len(recent) > RECENT_IDS:
        del recent[0]
    at = int(event.timestamp.timestamp())
    cents = _cents_of(event)
    hour = _add(row.hours, at - at % HOUR, cents)
    day = _add(row.days, at - at % DAY, cents)
    return Totals(
        event.message_id,
        user_of(event),
        hour.start,
        hour.count,
        hour.cents,
        day.start,
        day.count,
        day.cents,
    )


def _cents_of(event: Event) -> int:
    properties = event.properties
    if properties is None:
        return 0
    amount = properties.price if properties.revenue is None else properties.revenue
    return int(amount * 100 + 0.5) if amount is not None else 0


def _add(windows: list[Window], start: int, cents: int) -> Window:
    window = windows[-1] if windows else None
    if window is None or window.start != start:
        window = _find(windows, start)
        if window is None:
            return Window(start)
    window.count += 1
    window.cents += cents
    return window


def _find(windows: list[Window], start: int) -> Window | None:
    """The window with this start, created if missing; None if it is too old."""
    place = len(windows)
    while place and windows[place - 1].start > start:
        place -= 1
    if place and windows[place - 1].start == start:
        return windows[place - 1]
    if place == 0 and len(windows) == KEPT_WINDOWS:
        return None
    window = Window(start)
    windows.insert(place, window)
    if len(windows) > KEPT_WINDOWS:
        del windows[0]
    return window


def run(values: Iterable[bytes]) -> Iterable[bytes]:
    """The outputs of a stream, in order, with all rows in memory: what every contender must match."""
    rows: dict[str, Row] = {}
    for value in values:
        event = decode_event(value)
        if event is None:
            continue
        row = rows.setdefault(user_of(event), Row())
        totals = update(row, event)
        if totals is not None:
            yield encode_totals(totals)
