"""Flat JSON: one interaction of a user with an item per object: `user_id`, `item_id`, `event`, `ts`.

Most public interaction logs have this form; there is no specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream_app.intake.trackers.commerce import event_name, order_revenue
from stream_app.intake.trackers.context_places import Place, pop_context, url_text, user_agent_text
from stream_app.intake.trackers.declaration import TrackerForm
from stream_app.intake.trackers.field_values import MAX_EVENT_NAME, given, iso_time, pop_id, pop_text, text
from stream_app.intake.trackers.json_records import parse_objects
from stream_app.intake.trackers.kept_fields import keep

VIEWS = frozenset({"page", "pageview", "page_view", "view", "item_view", "product_view"})
PLACES: dict[str, Place] = {
    "ip": Place(None, "ip"),
    "ip_address": Place(None, "ip"),
    "user_agent": Place(None, "userAgent", user_agent_text),
    "locale": Place(None, "locale"),
    "language": Place(None, "locale"),
    "timezone": Place(None, "timezone"),
    "session_id": Place(None, "sessionId", text),
    "url": Place("page", "url", url_text),
    "page_url": Place("page", "url", url_text),
    "referrer": Place("page", "referrer", url_text),
    "title": Place("page", "title"),
    "device_type": Place("device", "type"),
    "device": Place("device", "type"),
    "os": Place("os", "name"),
    "operating_system": Place("os", "name"),
    "browser": Place("browser", "name"),
    "country": Place("location", "country"),
}
OTHER_NAMES = {"cart": "Product Added", "order": "Order Completed", "buy": "Order Completed"}


def read_flat(value: bytes) -> list[dict[str, Any]]:
    """Events of an object or of an array of objects.

    Raises:
        Unreadable: it is not JSON, or contains something other than objects.
    """
    return [_event(dict(record)) for record in parse_objects(value)]


def _event(record: dict[str, Any]) -> dict[str, Any]:
    timestamp = [iso_time(record.pop(name, None)) for name in ("ts", "timestamp", "time")]
    event = given(
        messageId=pop_text(record, "event_id", "message_id"),
        userId=pop_text(record, "user_id"),
        anonymousId=pop_text(record, "anonymous_id"),
        timestamp=next((time for time in timestamp if time is not None), None),
        context=pop_context(record, PLACES),
    )
    action = pop_text(record, "event")
    properties = {"product_id": pop_id(record, "item_id", "product_id"), **record}
    if action is not None and action.lower() in VIEWS:
        event["type"] = "page"
    else:
        event |= given(type="track", event=_track_name(action))
    if event.get("event") == "Order Completed":
        properties |= given(revenue=order_revenue(properties))
    return {**event, "properties": keep(properties)}


def _track_name(action: str | None) -> str | None:
    if action is None:
        return None
    return text(OTHER_NAMES.get(action.lower()) or event_name(action), MAX_EVENT_NAME)


def _claims(record: Mapping[str, Any]) -> bool:
    return "type" not in record and "event" in record and ("user_id" in record or "anonymous_id" in record)


FORMS = (
    TrackerForm(
        name="flat",
        summary="one interaction an object, or an array of them: `user_id`, `item_id`, `event`, `ts`",
        shape="`event` with `user_id` or `anonymous_id`",
        read=read_flat,
        claims=_claims,
        is_broad=True,
        user_fields=("user_id", "anonymous_id"),
        fields={
            "`type`": "`page`, `pageview`, `view`, `item_view`, `product_view`: `page`; else `track`",
            "`messageId`": "`event_id`, `message_id`",
            "`userId`": "`user_id`",
            "`anonymousId`": "`anonymous_id`",
            "`timestamp`": "`ts`, `timestamp`, `time`: epoch seconds or milliseconds, or ISO 8601",
            "`context.sessionId`": "`session_id`",
            "`context.page`": "`url`, `referrer`, `title`",
            "`context.ip`, `userAgent`": "`ip`, `ip_address`, `user_agent`",
            "`context.locale`, `timezone`": "`locale`, `language`, `timezone`",
            "`context.device`, `os`, `browser`": "`device_type`, `os`, `browser`",
            "`context.location`": "`country`",
        },
        becomes={
            "`cart`, `add_to_cart`, `remove_from_cart`, `purchase`, `order`, `buy`, `transaction`": "track "
            "with Segment's name; an order without revenue gets `price` times `quantity`",
        },
    ),
)
