"""Mixpanel: events of `/track` and `/import`, profiles of `/engage`, as JSON, JSON lines or a form's `data`.

Source: Mixpanel's "Ingestion API" (track, import, user profiles) and the default properties of its SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from stream_app.intake.trackers.commerce import event_name, shop_properties
from stream_app.intake.trackers.context_places import Place, pop_context, url_text
from stream_app.intake.trackers.declaration import PIXEL, Answer, BodyKind, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.field_values import MAX_EVENT_NAME, given, iso_time, number, pop_text, text
from stream_app.intake.trackers.json_records import (
    MAX_EVENTS,
    Unreadable,
    only_key,
    parse_json,
    read_data,
    read_form,
    require_objects,
    text_in,
)
from stream_app.intake.trackers.kept_fields import keep

PAGE_VIEW = "$mp_web_page_view"
DEVICE = "$device:"  # prefix of the id of an unknown visitor
DIRECT = "$direct"
OK_TEXT = Answer(b"1", "text/plain")
OK_JSON = Answer(b'{"status":1,"error":null}')
PLACES: dict[str, Place] = {
    "ip": Place(None, "ip"),
    "$ip": Place(None, "ip"),
    "$current_url": Place("page", "url", url_text),
    "current_url_path": Place("page", "path", url_text),
    "current_page_title": Place("page", "title"),
    "$referrer": Place("page", "referrer", url_text),
    "$device": Place("device", "type"),
    "$manufacturer": Place("device", "manufacturer"),
    "$model": Place("device", "model"),
    "$os": Place("os", "name"),
    "$os_version": Place("os", "version"),
    "$browser": Place("browser", "name"),
    "$browser_version": Place("browser", "version"),
    "mp_country_code": Place("location", "country"),
    "$country_code": Place("location", "country"),
    "$region": Place("location", "region"),
    "$city": Place("location", "city"),
    "$timezone": Place(None, "timezone"),
    "utm_source": Place("campaign", "source"),
    "utm_medium": Place("campaign", "medium"),
    "utm_campaign": Place("campaign", "name"),
    "utm_term": Place("campaign", "term"),
    "utm_content": Place("campaign", "content"),
    "$screen_width": Place("screen", "width", number),
    "$screen_height": Place("screen", "height", number),
    "$app_version_string": Place("app", "version"),
    "mp_lib": Place("library", "name"),
    "$lib_version": Place("library", "version"),
}
# Fields about the SDK itself, or duplicates of the page's URL.
NOT_KEPT = (
    *("token", "mp_processing_time_ms", "mp_sent_by_lib_version", "$mp_autocapture", "$import"),
    *(
        "$initial_referrer",
        "$initial_referring_domain",
        "$referring_domain",
        "$insert_id",
        "$radio",
        "$carrier",
    ),
    *(
        "current_domain",
        "current_url_protocol",
        "current_url_search",
        "$mp_api_endpoint",
        "$mp_api_timestamp_ms",
    ),
)
TRAITS = {
    "$email": "email",
    "$phone": "phone",
    "$name": "name",
    "$first_name": "firstName",
    "$last_name": "lastName",
    "$avatar": "avatar",
    "$created": "createdAt",
}


def read_mixpanel(value: bytes) -> list[dict[str, Any]]:
    """Events of an event or profile, of an array of them, of JSON lines, or of a form with `data`.

    Raises:
        Unreadable: it is none of these.
    """
    return _in_order(_records(value)[0])


def _records(value: bytes) -> tuple[list[dict[str, Any]], Mapping[str, str]]:
    """The records of a body, and the form's other fields."""
    fields: Mapping[str, str] = {}
    if value.lstrip()[:1] not in {b"{", b"["}:
        fields = read_form(value)
        value = _data(fields)
    if value.lstrip()[:1] == b"[":
        return require_objects(parse_json(value), "the list"), fields
    lines = [line for line in value.splitlines() if line.strip()]
    try:
        records = [parse_json(line) for line in lines]
    except Unreadable:
        records = [parse_json(value)]  # one object over several lines
    if not records:
        raise Unreadable("send an event, or a list of events")
    return require_objects(records, "the body"), fields


def _data(fields: Mapping[str, str]) -> bytes:
    decoded = read_data(fields)
    if decoded is None:
        raise Unreadable("send JSON, or JSON in Base64 as the form's field `data`")
    return decoded


def _in_order(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort events by time, because the browser's queue does not keep the order of calls."""
    events = [event for record in records for event in _events(record)]
    return sorted(events, key=lambda event: event.get("timestamp") or "")


def _events(record: dict[str, Any]) -> list[dict[str, Any]]:
    if "event" in record or "properties" in record:
        return [_event(record)]
    if "$distinct_id" in record:
        return [_profile(record)] if any(name in record for name in ("$set", "$set_once")) else []
    return []  # a group's profile, which belongs to no user


def _event(record: dict[str, Any]) -> dict[str, Any]:
    found = record.get("properties")
    properties = dict(found) if isinstance(found, dict) else {}
    name = text(record.get("event"))
    message_id = text(properties.get("$insert_id"))
    for unwanted in NOT_KEPT:
        properties.pop(unwanted, None)
    if properties.get("$referrer") == DIRECT:
        del properties["$referrer"]
    event = given(messageId=message_id, timestamp=iso_time(properties.pop("time", None)))
    merged = properties.pop("$distinct_ids", None)
    anonymous = pop_text(properties, "$anon_distinct_id", "$anon_id")
    identified = pop_text(properties, "$identified_id")
    alias = pop_text(properties, "alias") if name == "$create_alias" else None
    who = _user(properties)
    context = pop_context(properties, PLACES)
    if name == "$create_alias":
        # `alias` is the new name of `distinct_id`.
        return {**event, **given(type="alias", userId=alias, previousId=_id(who), context=context)}
    if name == "$merge" and isinstance(merged, list):
        first, second = ([_bare(text(one)) for one in merged] + [None, None])[:2]
        return {**event, **given(type="alias", userId=first, previousId=second, context=context)}
    if name == "$identify":
        known = identified or who.get("userId") or who.get("anonymousId")
        before = _bare(anonymous) or who.get("anonymousId")
        return {
            **event,
            **given(type="identify", userId=known, anonymousId=before, context=context),
            "traits": {},
        }
    event |= given(**who, context=context)
    if name == PAGE_VIEW:
        event["type"] = "page"
    else:
        event |= given(type="track", event=text(event_name(name or ""), MAX_EVENT_NAME))
    own_first = dict(sorted(properties.items(), key=lambda field: field[0].startswith("$")))
    return {**event, "properties": keep(shop_properties(event.get("event"), own_first))}


def _profile(record: dict[str, Any]) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    for operation in ("$set_once", "$set"):
        found = record.get(operation)
        if isinstance(found, dict):
            traits |= found
    named = {TRAITS.get(name, name): value for name, value in traits.items()}
    kept = {name: value for name, value in named.items() if not name.startswith("$")}
    who = _user(
        {name: record.get(f"${name.lstrip('$')}") for name in ("distinct_id", "$device_id", "$user_id")}
    )
    ip = text(record.get("$ip"), 1024)
    event = given(type="identify", timestamp=iso_time(record.get("$time")), **who)
    return {**event, **given(context=given(ip=ip if ip != "0" else None)), "traits": keep(kept)}


def _user(properties: dict[str, Any]) -> dict[str, str | None]:
    """`distinct_id` is the user's id, unless it is the device's."""
    distinct_id, device_id, user_id = (
        pop_text(properties, name) for name in ("distinct_id", "$device_id", "$user_id")
    )
    bare = _bare(distinct_id)
    if user_id is None and bare is not None and (bare != distinct_id or bare == device_id):
        return {"anonymousId": bare}
    return {"userId": user_id or distinct_id, "anonymousId": device_id}


def _id(who: Mapping[str, str | None]) -> str | None:
    return who.get("userId") or who.get("anonymousId")


def _bare(distinct_id: str | None) -> str | None:
    return distinct_id.removeprefix(DEVICE) if distinct_id else None


def _read_body(sent: Sent) -> Reading:
    records, fields = _records(sent.body)
    return _reading(records, {**sent.query, **fields})


def _read_address(sent: Sent) -> Reading:
    records, _ = _records(_data(sent.query))
    return _reading(records, sent.query)


def _reading(records: list[dict[str, Any]], fields: Mapping[str, str]) -> Reading:
    key = only_key({_token(record) for record in records} - {None}) or fields.get("token")
    answer = OK_JSON if fields.get("verbose") == "1" else PIXEL if fields.get("img") == "1" else OK_TEXT
    # Only with `ip=1` is the request's own address the user's.
    return Reading(_in_order(records), key, answer, is_anonymous=fields.get("ip") != "1")


def _read_import(sent: Sent) -> Reading:
    records, _ = _records(sent.body)
    said = {"code": 200, "num_records_imported": len(records), "status": "OK"}
    reading = _reading(records, sent.query)
    return reading._replace(answer=Answer(orjson.dumps(said)))


def _read_recording(sent: Sent) -> Reading:
    """A part of a session's recording: taken, so that it is not sent again, and thrown away."""
    return Reading([], sent.query.get("token"))


def _token(record: Mapping[str, Any]) -> str | None:
    properties = record.get("properties")
    return text_in(record, "$token") or (
        text_in(properties, "token") if isinstance(properties, dict) else None
    )


def _claims(record: Mapping[str, Any]) -> bool:
    if "$distinct_id" in record and "event" not in record:
        return "$token" in record
    properties = record.get("properties")
    if (
        not isinstance(properties, dict)
        or "event" not in record
        or not record.keys() <= {"event", "properties"}
    ):
        return False
    return "mp_lib" in properties or (
        not properties.keys().isdisjoint({"distinct_id", "$device_id", "$user_id"})
        and not properties.keys().isdisjoint({"token", "time"})
        and "$lib" not in properties
    )


def _claims_text(value: bytes) -> bool:
    """Whether a form is of this kind: PostHog's older trackers send the like to the same path."""
    if not value.lstrip().startswith(b"data="):
        return False
    data = read_data(read_form(value))
    try:
        found = parse_json(data) if data is not None else None
    except Unreadable:
        return True  # the reader says what is wrong with it
    record = found[0] if isinstance(found, list) and found else found
    return not isinstance(record, dict) or _claims(record)


PATHS = ("/track", "/engage", "/groups")
FORMS = (
    TrackerForm(
        name="mixpanel",
        summary="Mixpanel: events of `/track` and `/import`, profiles of `/engage`; an array, JSON lines, a "
        "form "
        f"with `data`; at most {MAX_EVENTS} at once",
        shape="nothing but `event` and `properties`, these with `mp_lib`, `token` or `time`; `$token` with "
        "`$distinct_id`",
        read=read_mixpanel,
        claims=_claims,
        claims_text=_claims_text,
        routes=(
            Route(PATHS, _read_body, OK_TEXT, BodyKind.TEXT),
            Route(PATHS, _read_address, OK_TEXT, BodyKind.NONE),
            Route(("/import",), _read_import, OK_TEXT, BodyKind.TEXT),
            Route(("/record",), _read_recording, OK_TEXT, BodyKind.TEXT),
        ),
        senders={"Mixpanel": "the API host to `https://collect.example`; the project token to a write key"},
        user_fields=(
            *("distinct_id", "$distinct_id", "$user_id", "$identified_id", "$device_id"),
            *("$anon_distinct_id", "$anon_id", "alias"),
        ),
        fields={
            "`type`": "see below",
            "`messageId`": "`$insert_id`",
            "`userId`": "`$user_id`, `distinct_id`",
            "`anonymousId`": "`$device_id`; `distinct_id` after `$device:`; `$anon_distinct_id` of "
            "`$identify`",
            "`timestamp`": "`time`, `$time` of a profile: epoch seconds or milliseconds",
            "`context.page`": "`$current_url`, `current_url_path`, `current_page_title`, `$referrer`",
            "`context.ip`, `userAgent`": "`ip`, `$ip`",
            "`context.locale`, `timezone`": "`$timezone`",
            "`context.device`, `os`, `browser`": "`$device`, `$os`, `$browser`, `$browser_version`",
            "`context.location`": "`mp_country_code`, `$region`, `$city`",
            "`context.campaign`": "`utm_source`, `utm_medium`, `utm_campaign`, …",
            "`context.screen`, `app`, `library`": "`$screen_width`, `$app_version_string`, `mp_lib`",
            "`traits`": "`$set`, `$set_once` of a profile",
        },
        becomes={
            "`$mp_web_page_view`": "`page`",
            "`$identify`; a profile with `$set` or `$set_once`": "`identify`",
            "`$create_alias`, `$merge`": "`alias`",
            "a group's profile; `$add`, `$append`, `$unset`, `$delete`": "nothing: they need what Mixpanel "
            "has",
        },
    ),
)
