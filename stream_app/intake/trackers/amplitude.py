"""Amplitude: the body of `/2/httpapi` and `/batch`, and single exported events.

Source: Amplitude's "HTTP V2 API", "Batch Event Upload API", "Identify API", and its SDKs' default events.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from stream_app.intake.trackers.amplitude_forms import read_upload
from stream_app.intake.trackers.commerce import event_name, shop_properties
from stream_app.intake.trackers.context_places import Place, pop_context, url_text, user_agent_text
from stream_app.intake.trackers.declaration import Answer, BodyKind, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.field_values import MAX_EVENT_NAME, given, iso_time, number, pop_text, text
from stream_app.intake.trackers.json_records import (
    Unreadable,
    parse_object,
    parse_objects,
    require_objects,
    text_in,
)
from stream_app.intake.trackers.kept_fields import keep

SUCCESS = Answer(b"success", "text/plain")
PAGES = frozenset({"[Amplitude] Page Viewed", "[Amplitude] Page View", "Page View"})
SCREENS = frozenset({"[Amplitude] Screen Viewed"})
REVENUE = "revenue_amount"
NOT_GIVEN = "EMPTY"  # what the SDKs write for a missing campaign or referrer
REMOTE = "$remote"  # "use the request's address"
NO_SESSION = "-1"
# Ids of devices and advertisers, and fields added by the pipeline.
NOT_KEPT = (
    *("adid", "idfa", "idfv", "android_id", "android_app_set_id", "uuid", "amplitude_id", "event_id"),
    *(
        "api_properties",
        "sequence_number",
        "location_lat",
        "location_lng",
        "partner_id",
        "plan",
        "ingestion_metadata",
        "$schema",
    ),
)
PLACES: dict[str, Place] = {
    "ip": Place(None, "ip"),
    "ip_address": Place(None, "ip"),
    "user_agent": Place(None, "userAgent", user_agent_text),
    "language": Place(None, "locale"),
    "os_name": Place("os", "name"),
    "os_version": Place("os", "version"),
    "device_family": Place("device", "type"),
    "device_type": Place("device", "type"),
    "device_manufacturer": Place("device", "manufacturer"),
    "device_model": Place("device", "model"),
    "country": Place("location", "country"),
    "region": Place("location", "region"),
    "city": Place("location", "city"),
    "version_name": Place("app", "version"),
    "app_version": Place("app", "version"),
    "library": Place("library", "name"),
}
PAGE_PLACES: dict[str, Place] = {
    "[Amplitude] Page Location": Place("page", "url", url_text),
    "[Amplitude] Page URL": Place("page", "url", url_text),
    "[Amplitude] Page Path": Place("page", "path", url_text),
    "[Amplitude] Page Title": Place("page", "title"),
    "[Amplitude] Previous Page Location": Place("page", "referrer", url_text),
    "referrer": Place("page", "referrer", url_text),
    "utm_source": Place("campaign", "source"),
    "utm_medium": Place("campaign", "medium"),
    "utm_campaign": Place("campaign", "name"),
    "utm_term": Place("campaign", "term"),
    "utm_content": Place("campaign", "content"),
}
REVENUE_FIELDS = {
    "$productId": "product_id",
    "productId": "product_id",
    "$price": "price",
    "$quantity": "quantity",
    "$revenue": "revenue",
    "$revenueType": "revenue_type",
    "revenueType": "revenue_type",
    "$currency": "currency",
}


def read_amplitude(value: bytes) -> list[dict[str, Any]]:
    """Events of an upload, of one event, or of an array of events.

    Raises:
        Unreadable: it is not JSON, not an object, or an upload of something else.
    """
    return [event for body in parse_objects(value) for event in _events(body)]


def _events(body: dict[str, Any]) -> list[dict[str, Any]]:
    events = require_objects(body["events"], "events") if "events" in body else [body]
    sent_at = iso_time(body.get("client_upload_time"))
    return [
        _event({"client_upload_time": sent_at, **event})
        for event in events
        # What is told of a group in nobody's name belongs to nobody.
        if event.get("event_type") != "$groupidentify" or event.get("user_id") or event.get("device_id")
    ]


def _event(fields: dict[str, Any]) -> dict[str, Any]:
    for name in NOT_KEPT:
        fields.pop(name, None)
    kind = pop_text(fields, "event_type")
    own, traits, groups = (fields.pop(f"{name}_properties", None) for name in ("event", "user", "group"))
    properties = dict(own) if isinstance(own, dict) else {}
    event = given(
        messageId=pop_text(fields, "insert_id", "$insert_id"),
        userId=pop_text(fields, "user_id"),
        anonymousId=pop_text(fields, "device_id"),
        **_times(fields),
    )
    context = _context(fields, properties)
    if kind == "$identify":
        return {**event, "type": "identify", "traits": _traits(traits), **given(context=context)}
    if kind == "$groupidentify":
        group_id = next(iter(_groups(fields.pop("groups", None))), None)
        group_id = group_id or pop_text(fields, "group_value")
        return {**event, **given(type="group", groupId=group_id, context=context), "traits": _traits(groups)}
    context |= given(traits=_traits(traits))
    for source in (fields, properties):
        for written, name in REVENUE_FIELDS.items():
            if written in source:
                source.setdefault(name, source.pop(written))
    shown = _shown(kind, properties)
    properties = shop_properties(shown.get("event"), _with_revenue(kind, {**fields, **properties}))
    return {**event, **shown, **given(context=context), "properties": keep(properties)}


def _with_revenue(kind: str | None, properties: dict[str, Any]) -> dict[str, Any]:
    """A revenue event with its revenue: if it states none, its price times its quantity."""
    price, quantity = number(properties.get("price")), number(properties.get("quantity"))
    if kind != REVENUE or properties.get("revenue") is not None or price is None:
        return properties
    return {**properties, "revenue": price * (1 if quantity is None else quantity)}


def _shown(kind: str | None, properties: dict[str, Any]) -> dict[str, Any]:
    if kind in PAGES:
        return {"type": "page"}
    if kind in SCREENS:
        return given(type="screen", name=pop_text(properties, "[Amplitude] Screen Name", limit=1024))
    name = "Order Completed" if kind == REVENUE else event_name(kind or "")
    return given(type="track", event=text(name, MAX_EVENT_NAME))


def _times(fields: dict[str, Any]) -> dict[str, str | None]:
    happened, sent = iso_time(fields.pop("time", None)), iso_time(fields.pop("client_upload_time", None))
    exported = pop_text(fields, "event_time")
    if happened and sent:
        return {"originalTimestamp": happened, "sentAt": sent}
    return {"timestamp": happened or (exported and exported.replace(" ", "T"))}


def _context(fields: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    if fields.get("ip") == REMOTE:
        del fields["ip"]
    session_id = pop_text(fields, "session_id")
    platform = pop_text(fields, "platform", limit=1024)
    context = pop_context(fields, PLACES)
    if platform and platform != "Web":
        context.setdefault("device", {}).setdefault("type", platform)
    for part, found in pop_context(properties, PAGE_PLACES).items():
        context.setdefault(part, {}).update(found)
    return {**context, **given(sessionId=None if session_id == NO_SESSION else session_id)}


def _traits(operations: Any) -> dict[str, Any]:
    """Traits that are set. Changes relative to a trait's value are skipped: only Amplitude has the value."""
    if not isinstance(operations, dict):
        return {}
    traits = {name: value for name, value in operations.items() if not name.startswith("$")}
    for operation in ("$setOnce", "$set"):
        found = operations.get(operation)
        if isinstance(found, dict):
            traits |= found
    return keep({name: value for name, value in traits.items() if value != NOT_GIVEN})


def _groups(groups: Any) -> list[str]:
    if not isinstance(groups, dict):
        return []
    names = [value[0] if isinstance(value, list) and value else value for value in groups.values()]
    return [name for name in map(text, names) if name]


def _read_upload(sent: Sent) -> Reading:
    body = parse_object(sent.body)
    if "events" not in body:
        raise Unreadable("send `api_key` and a list of events under `events`")
    events = _events(body)
    said = {"code": 200, "events_ingested": len(events), "payload_size_bytes": len(sent.body)}
    return Reading(events, text_in(body, "api_key"), Answer(orjson.dumps(said)))


def _read_form(sent: Sent, kind: str | None = None) -> Reading:
    upload = read_upload(sent, kind)
    return Reading(_events(upload), text_in(upload, "api_key"))


def _claims(record: Mapping[str, Any]) -> bool:
    events = record.get("events")
    if isinstance(events, list):
        return "api_key" in record or any(
            isinstance(event, dict) and "event_type" in event for event in events
        )
    return "event_type" in record and ("user_id" in record or "device_id" in record)


FORMS = (
    TrackerForm(
        name="amplitude",
        summary="Amplitude: the body of `/2/httpapi` and `/batch`, single and exported events",
        shape="`events` with `api_key` or `event_type`; `event_type` with `user_id` or `device_id`",
        read=read_amplitude,
        claims=_claims,
        routes=(
            Route(("/2/httpapi", "/batch"), _read_upload, Answer(b'{"code":200}')),
            Route(("/", "/httpapi"), _read_form, SUCCESS, BodyKind.TEXT),
            Route(("/identify",), partial(_read_form, kind="$identify"), SUCCESS, BodyKind.TEXT),
            Route(("/groupidentify",), partial(_read_form, kind="$groupidentify"), SUCCESS, BodyKind.TEXT),
        ),
        senders={
            "Amplitude": "the server URL to `https://collect.example/2/httpapi`; the API key to a write key",
            "Amplitude's SDKs before 2022": "`apiEndpoint` to `collect.example`; the API key to a write key",
        },
        user_fields=("user_id", "device_id"),
        fields={
            "`type`": "see below",
            "`messageId`": "`insert_id`",
            "`userId`": "`user_id`",
            "`anonymousId`": "`device_id`",
            "`timestamp`": "`time` without `client_upload_time`, `event_time`",
            "`originalTimestamp`, `sentAt`": "`time`, `client_upload_time`",
            "`context.sessionId`": "`session_id`, unless -1",
            "`context.page`": "`[Amplitude] Page Location`, `Page Path`, `Page Title`, `Previous Page "
            "Location`",
            "`context.ip`, `userAgent`": "`ip`, `user_agent`",
            "`context.locale`, `timezone`": "`language`",
            "`context.device`, `os`, `browser`": "`platform`, `device_model`, `os_name`, `os_version`",
            "`context.location`": "`country`, `region`, `city`",
            "`context.campaign`": "`utm_source`, `utm_medium`, `utm_campaign`, …",
            "`context.screen`, `app`, `library`": "`app_version`, `library`",
            "`traits`": "`user_properties`: plain, `$set`, `$setOnce`",
        },
        becomes={
            "`[Amplitude] Page Viewed`": "`page`",
            "`[Amplitude] Screen Viewed`": "`screen`",
            "`$identify`": "`identify`",
            "`$groupidentify`": "`group`",
            "`revenue_amount`": "track `Order Completed`",
        },
    ),
)
