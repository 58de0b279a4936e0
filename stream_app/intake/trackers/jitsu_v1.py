"""Jitsu before version 2 (EventNative): flat events of `/api/v1/event`, one or an array.

Source: Jitsu's "HTTP API" (version 1) and the events of `@jitsu/sdk-js`. With its older `compat_mode`, what
surrounds an event lies under `eventn_ctx`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream_app.intake.trackers.commerce import event_name, shop_properties
from stream_app.intake.trackers.context_places import Place, pop_context, url_text, user_agent_text
from stream_app.intake.trackers.declaration import Answer, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.field_values import MAX_EVENT_NAME, given, number, pop_text, text
from stream_app.intake.trackers.json_records import only_key, parse_objects, text_in
from stream_app.intake.trackers.kept_fields import keep

OK = Answer(b'{"status":"ok"}')
SURROUNDINGS = "eventn_ctx"
IDENTIFIES = frozenset({"user_identify", "identify"})
PAGES = frozenset({"pageview", "page", "page_view"})
KEEPS_ADDRESS = frozenset({"", "keep"})
PLACES: dict[str, Place] = {
    "user_agent": Place(None, "userAgent", user_agent_text),
    "source_ip": Place(None, "ip"),
    "user_language": Place(None, "locale"),
    "url": Place("page", "url", url_text),
    "doc_path": Place("page", "path", url_text),
    "referer": Place("page", "referrer", url_text),
    "page_title": Place("page", "title"),
}
CAMPAIGN = {"source": "source", "medium": "medium", "campaign": "name", "term": "term", "content": "content"}
# Of the tracker itself, or said elsewhere in the event.
NOT_KEPT = ("api_key", "src", "ids", "click_id", "doc_host", "doc_search", "doc_encoding", "vp_size")


def read_jitsu_v1(value: bytes) -> list[dict[str, Any]]:
    """Events of one event or of an array.

    Raises:
        Unreadable: it is not JSON, or not an object.
    """
    return [_event(record) for record in parse_objects(value)]


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    surroundings = record.get(SURROUNDINGS)
    fields = {**(surroundings if isinstance(surroundings, dict) else {}), **record}
    fields.pop(SURROUNDINGS, None)
    for name in NOT_KEPT:
        fields.pop(name, None)
    kind, happened = pop_text(fields, "event_type"), pop_text(fields, "utc_time")
    who, traits = _user(fields.pop("user", None))
    # The tracker sends an empty id: nobody does two things of a kind in one microsecond.
    made = f"{who.get('anonymousId') or who.get('userId')}.{happened}.{kind}" if happened else None
    message_id = pop_text(fields, "event_id", "eventn_ctx_event_id") or made
    event = given(messageId=message_id, timestamp=happened, **who)
    context = _context(fields)
    if kind in IDENTIFIES:
        return {**event, "type": "identify", **given(context=context), "traits": traits}
    event |= given(context={**context, **given(traits=traits)})
    if kind in PAGES:
        return {**event, "type": "page", "properties": keep(fields)}
    act = text(event_name(kind or ""), MAX_EVENT_NAME)
    return {**event, **given(type="track", event=act), "properties": keep(shop_properties(act, fields))}


def _user(user: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Who it was, and what is known of them."""
    traits = dict(user) if isinstance(user, dict) else {}
    anonymous_id = pop_text(traits, "anonymous_id", "hashed_anonymous_id")
    user_id = pop_text(traits, "id", "internal_id")
    return given(userId=user_id, anonymousId=anonymous_id), keep(traits)


def _context(fields: dict[str, Any]) -> dict[str, Any]:
    campaign = fields.pop("utm", None)
    told = campaign if isinstance(campaign, dict) else {}
    width, _, height = (pop_text(fields, "screen_resolution") or "").partition("x")
    return pop_context(fields, PLACES) | given(
        timezone=_timezone(number(fields.pop("local_tz_offset", None))),
        screen=given(width=number(width), height=number(height)),
        campaign=given(**{ours: text(told.get(name), 1024) for name, ours in CAMPAIGN.items()}),
    )


def _timezone(minutes_west: float | int | None) -> str | None:
    if minutes_west is None or abs(minutes_west) > 24 * 60:
        return None
    hours, minutes = divmod(abs(int(minutes_west)), 60)
    return f"GMT{'-' if minutes_west > 0 else '+'}{hours:02}{minutes:02}"


def _read_request(sent: Sent) -> Reading:
    bodies = parse_objects(sent.body)
    outside = sent.query.get("token") or sent.headers.get("x-auth-token")
    key = outside or only_key({text_in(body, "api_key") for body in bodies})
    is_anonymous = sent.query.get("ip_policy", "") not in KEEPS_ADDRESS
    return Reading([_event(body) for body in bodies], key, is_anonymous=is_anonymous)


def _claims(record: Mapping[str, Any]) -> bool:
    return "event_type" in record and (
        SURROUNDINGS in record or ("utc_time" in record and isinstance(record.get("user"), dict))
    )


FORMS = (
    TrackerForm(
        name="jitsu_v1",
        summary="Jitsu before version 2: flat events, one or an array",
        shape="`event_type` with `eventn_ctx`, or with `utc_time` and `user`",
        read=read_jitsu_v1,
        claims=_claims,
        routes=(Route(("/api/v1/event", "/api/v1/s2s/event"), _read_request, OK),),
        senders={
            "Jitsu before version 2": "`tracking_host` to `https://collect.example`; the key to a write key"
        },
        user_fields=("anonymous_id", "hashed_anonymous_id", "internal_id"),
        fields={
            "`type`": "see below",
            "`messageId`": "`event_id`; else the user, `utc_time` and `event_type`",
            "`userId`": "`user.id`, `user.internal_id`",
            "`anonymousId`": "`user.anonymous_id`",
            "`timestamp`": "`utc_time`",
            "`context.page`": "`url`, `doc_path`, `referer`, `page_title`",
            "`context.ip`, `userAgent`": "`source_ip`, `user_agent`",
            "`context.locale`, `timezone`": "`user_language`, `local_tz_offset`",
            "`context.campaign`": "`utm`",
            "`context.screen`, `app`, `library`": "`screen_resolution`",
            "`traits`": "the rest of `user`",
        },
        becomes={
            "`pageview`, `page`": "`page`",
            "`user_identify`, `identify`": "`identify`",
        },
    ),
)
