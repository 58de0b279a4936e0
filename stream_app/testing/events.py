"""Events as trackers send them, one line each; times are in seconds after `START`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from stream_app.core.records import Record
from stream_app.intake.sources.source import wire_event
from stream_app.settings.rules import DAY

START = datetime(2024, 3, 4, 8, tzinfo=UTC).timestamp()  # a Monday morning, in epoch seconds
RECEIVED_AT = START + 3_650 * DAY
JsonObject = dict[str, Any]


def event(event_type: str, user: str, at: float, **fields: Any) -> bytes:
    """An event on the wire; `at` is in seconds after `START`."""
    return wire_event(event_type, userId=user, timestamp=datetime.fromtimestamp(START + at, UTC), **fields)


def page(user: str, at: float, item: str | None = None, **fields: Any) -> bytes:
    """A page view, of an item or not."""
    return event("page", user, at, properties={"product_id": item} if item else {}, **fields)


def track(user: str, at: float, name: str, properties: JsonObject | None = None, **fields: Any) -> bytes:
    """An action of the user."""
    return event("track", user, at, event=name, properties=properties or {}, **fields)


def session(user: str, at: float, duration: float, page_views: int, **properties: Any) -> bytes:
    """A tracker's summary of a session that ended at `at`."""
    return event(
        "session", user, at, properties={"pageViews": page_views, "duration": duration, **properties}
    )


def label(user: str, at: float, value: Any, target: str = "engagement_tier", **fields: Any) -> bytes:
    """A label that became known at `at`."""
    return event("label", user, at, properties={"target": target, "value": value}, **fields)


def privacy_request(user: str, requested_at: float, request_id: str = "r", kind: str = "erase") -> bytes:
    """A request about a user's data, as made at `requested_at` (epoch seconds)."""
    at = datetime.fromtimestamp(requested_at, UTC).isoformat()
    return orjson.dumps({"request_id": request_id, "kind": kind, "user_id": user, "requested_at": at})


def records(values: Iterable[bytes | None], first_offset: int = 0) -> list[Record]:
    """Raw records in offset order, received long after their event times."""
    return [Record(offset, None, value, RECEIVED_AT) for offset, value in enumerate(values, first_offset)]
