"""What an event was understood to be, or why it failed: as an object, and as one line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from stream_app.intake import properties
from stream_app.intake.consent import preferences_in
from stream_app.intake.decoding import TimedEvent
from stream_app.intake.wire import AliasCall, GroupCall, IdentifyCall, PageCall, ScreenCall, TrackCall
from stream_app.schemas.failures import FailedEvent

LONGEST_ORIGINAL = 200  # characters of a failed record that a line shows
Sight = Mapping[str, Any]


def understood(timed: TimedEvent) -> Sight:
    """What the job takes from an event; what it says nothing of is left out."""
    event, context = timed.event, timed.event.context
    told: dict[str, Any] = {"at": _time(timed.at), "user": timed.user_key, "type": event.type}
    if isinstance(event, TrackCall):
        told |= {"event": event.event, "item": properties.item_id(event.properties)}
        told["items"] = [
            item
            for product in properties.products_of(event.properties)
            if (item := properties.item_id(product))
        ]
        if event.event == properties.PURCHASE:
            told["revenue"] = properties.revenue_of(event.properties)
    elif isinstance(event, PageCall | ScreenCall):
        told |= {"page": properties.page_of(event), "item": properties.item_id(event.properties)}
    elif isinstance(event, IdentifyCall | GroupCall):
        told["traits"] = sorted(properties.traits_of(event.traits))
        told["anonymous"] = event.anonymous_id
    elif isinstance(event, AliasCall):
        told["previous"] = event.previous_id
    if context is not None:
        told |= {"session": context.session_id, "consent": dict(preferences_in(context))}
    told |= {"dropped": list(timed.dropped), "placeholders": list(timed.placeholders)}
    return {name: value for name, value in told.items() if value is not None and value not in ("", [], {})}


def failed(failure: FailedEvent) -> Sight:
    """Why a record failed, with the beginning of what may be kept of it."""
    original = (failure.original or b"").decode(errors="replace")
    return {
        "at": _time(failure.as_of.timestamp()),
        "failed": failure.reason.value,
        "why": failure.detail,
        "original": original[:LONGEST_ORIGINAL] + ("…" if len(original) > LONGEST_ORIGINAL else ""),
    }


def sight_line(sight: Sight) -> str:
    """One line of text."""
    if "failed" in sight:
        return f"{sight['at']}  FAILED {sight['failed']}: {sight['why']}\n    {sight['original']}"
    what = sight.get("event") or sight["type"]
    rest = {name: value for name, value in sight.items() if name not in {"at", "user", "type", "event"}}
    about = "  ".join(f"{name}={_written(value)}" for name, value in rest.items())
    return f"{sight['at']}  {sight['user']:<24}  {what:<20}  {about}".rstrip()


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
