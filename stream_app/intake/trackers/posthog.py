"""PostHog: captured events, one by one, in an array, as the body of `/batch`, or in a form's `data`.

Source: PostHog's "Capture and batch API endpoints" and "Event, person and group properties" (autocapture).
Trackers before 2023 send profiles to `/engage` and find the time of sending in the address (`_`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream_app.intake.trackers.context_places import MAX_TEXT, Place, pop_context, url_text, user_agent_text
from stream_app.intake.trackers.declaration import Answer, BodyKind, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.field_values import (
    MAX_EVENT_NAME,
    given,
    iso_time,
    number,
    pop_id,
    pop_text,
    real_id,
    text,
)
from stream_app.intake.trackers.json_records import (
    Unreadable,
    only_key,
    parse_json,
    parse_objects,
    read_data,
    read_form,
    require_objects,
    text_in,
)
from stream_app.intake.trackers.kept_fields import keep
from stream_app.intake.trackers.startup_files import (
    read_posthog_flags,
    read_posthog_script,
    read_posthog_start,
    read_posthog_surveys,
)
from stream_app.settings.placeholder_ids import SHIPPED

TAKEN = Answer(b'{"status":1}')
SENT_AT = "_"  # of the address: when the request was sent, in epoch milliseconds
API_KEYS = ("api_key", "token", "$token")
# Fields added by PostHog's own pipeline.
NOT_KEPT = ("team_id", "project_id", "site_url", "created_at", "elements_chain", "person", "type")
MERGES = frozenset({"$create_alias", "$merge_dangerously"})
# `alias(previous_id, distinct_id)` of this library sends the previous id as `distinct_id`.
PYTHON_LIBRARY = "posthog-python"
FIRST_VISIT = (
    "$initial_referring_domain",
    "$initial_utm_source",
    "$initial_utm_medium",
    "$initial_utm_campaign",
)
# Page fields that posthog-js sets once as traits, in addition to the site's; the event's context has them.
PAGES_OWN = (
    "$", "utm_", "gclid", "gad_source", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "twclid",
    "li_fat_id", "igshid", "ttclid", "rdt_cid", "epik", "qclid", "sccid", "oppref", "bfcid", "irclid",
    "mc_cid", "_kx",
)  # fmt: skip
DIRECT = "$direct"  # what PostHog writes for a page without a referrer
PLACES: dict[str, Place] = {
    "$ip": Place(None, "ip"),
    "$raw_user_agent": Place(None, "userAgent", user_agent_text),
    "$user_agent": Place(None, "userAgent", user_agent_text),
    "$useragent": Place(None, "userAgent", user_agent_text),
    "$browser_language": Place(None, "locale"),
    "$locale": Place(None, "locale"),
    "$timezone": Place(None, "timezone"),
    "$session_id": Place(None, "sessionId", text),
    "$current_url": Place("page", "url", url_text),
    "$pathname": Place("page", "path", url_text),
    "$referrer": Place("page", "referrer", url_text),
    "$title": Place("page", "title"),
    "title": Place("page", "title"),
    "$device_type": Place("device", "type"),
    "$os": Place("os", "name"),
    "$os_name": Place("os", "name"),
    "$os_version": Place("os", "version"),
    "$browser": Place("browser", "name"),
    "$browser_version": Place("browser", "version"),
    "$geoip_country_code": Place("location", "country"),
    "$geoip_country_name": Place("location", "country"),
    "$geoip_subdivision_1_name": Place("location", "region"),
    "$geoip_city_name": Place("location", "city"),
    "utm_source": Place("campaign", "source"),
    "utm_medium": Place("campaign", "medium"),
    "utm_campaign": Place("campaign", "name"),
    "utm_term": Place("campaign", "term"),
    "utm_content": Place("campaign", "content"),
    "$screen_width": Place("screen", "width", number),
    "$screen_height": Place("screen", "height", number),
    "$app_name": Place("app", "name"),
    "$app_version": Place("app", "version"),
    "$lib": Place("library", "name"),
    "$lib_version": Place("library", "version"),
}
EVENT_NAMES = {"$pageleave": "Page Left"}
IDENTIFIES = frozenset({"$identify", "$set", "$set_once"})


def read_posthog(value: bytes) -> list[dict[str, Any]]:
    """Events of a capture, an array of captures, or a batch.

    Raises:
        Unreadable: it is not JSON, not an object, or a batch of something else.
    """
    return _events(parse_objects(value))


def _events(bodies: list[dict[str, Any]], sent_at: str | None = None) -> list[dict[str, Any]]:
    events = []
    for body in bodies:
        captures = require_objects(body["batch"], "batch") if "batch" in body else [body]
        events += [
            _event({"sent_at": body.get("sent_at") or sent_at, **capture})
            for capture in captures
            if not _is_of_a_group(capture)
        ]
    return events


def _is_of_a_group(capture: Mapping[str, Any]) -> bool:
    """Whether an event tells of a group in nobody's name: servers' libraries make up an id for it."""
    properties = capture.get("properties")
    if capture.get("event") != "$groupidentify" or not isinstance(properties, dict):
        return False
    told = capture.get("distinct_id") or properties.get("distinct_id")
    return told == f"${properties.get('$group_type')}_{properties.get('$group_key')}"


def _event(capture: dict[str, Any]) -> dict[str, Any]:
    properties = _properties(capture.pop("properties", None))
    for unwanted in (*API_KEYS, *NOT_KEPT):
        capture.pop(unwanted, None)
    for key in API_KEYS:
        properties.pop(key, None)
    name = pop_text(capture, "event")
    named = text(properties.pop("distinct_id", None))
    distinct_id = pop_id(capture, "distinct_id", "$distinct_id", also=named)
    traits, traits_once = _traits(capture, properties)
    event = given(
        messageId=pop_text(capture, "uuid") or text(properties.get("$insert_id")),
        **_times(capture, properties),
        **_user(name, distinct_id, properties),
    )
    context = _context(capture, properties)
    context |= given(traitsOnce=keep(traits_once))
    if name in MERGES:
        event |= _merge(event, pop_text(properties, "alias"), context)
    elif name in IDENTIFIES:
        event |= {"type": "identify", "traits": keep(traits)}
    elif name == "$groupidentify":
        group_traits = properties.pop("$group_set", None)
        event |= given(type="group", groupId=pop_text(properties, "$group_key"))
        event["traits"] = keep(group_traits if isinstance(group_traits, dict) else {})
    else:
        event |= _shown(name, properties)
        context |= given(traits=keep(traits))
        event["properties"] = keep(_own_first(properties, capture))
        return {**event, **given(context=context)}
    return {**event, **given(context={**keep(_own_first(properties, capture)), **context})}


def _properties(value: Any) -> dict[str, Any]:
    """Properties as an object, or as JSON text, as PostHog stores and exports them."""
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except Unreadable:
            return {}
    return dict(value) if isinstance(value, dict) else {}


def _shown(name: str | None, properties: dict[str, Any]) -> dict[str, Any]:
    match name:
        case "$pageview":
            return {"type": "page"}
        case "$screen":
            return given(type="screen", name=pop_text(properties, "$screen_name", limit=MAX_TEXT))
        case _:
            return given(type="track", event=text(EVENT_NAMES.get(name or "", name), MAX_EVENT_NAME))


def _own_first(properties: dict[str, Any], capture: dict[str, Any]) -> dict[str, Any]:
    """The remaining properties, the site's own before PostHog's, because the bound cuts at the end."""
    rest = {**capture, **properties}
    return dict(sorted(rest.items(), key=lambda item: item[0].startswith("$")))


def _traits(capture: dict[str, Any], properties: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The user's known traits, and those that count only until others are known."""
    always: dict[str, Any] = {}
    once: dict[str, Any] = {}
    for source in (properties, capture):
        for name, traits in (("$set", always), ("$set_once", once)):
            told = source.pop(name, None)
            if isinstance(told, dict):
                traits.update({trait: value for trait, value in told.items() if value is not None})
    first = {trait: once[trait] for trait in FIRST_VISIT if trait in once}
    own = {trait: value for trait, value in once.items() if not trait.startswith(PAGES_OWN)}
    return {trait: value for trait, value in always.items() if not trait.startswith("$")}, {**own, **first}


def _merge(event: dict[str, Any], alias: str | None, context: dict[str, Any]) -> dict[str, Any]:
    """Two ids merged into one; libraries differ in which of them is the previous one."""
    is_other_way = alias is not None and (
        context.get("library", {}).get("name") == PYTHON_LIBRARY or not event.get("userId")
    )
    known = event.pop("userId", None) or event.pop("anonymousId", None)
    user_id, previous_id = (alias, known) if is_other_way else (known, alias)
    return given(type="alias", userId=user_id, previousId=previous_id)


def _user(name: str | None, distinct_id: str | None, properties: dict[str, Any]) -> dict[str, str | None]:
    """`distinct_id` as the user's id, or as an anonymous id if the event says so."""
    anonymous_before = pop_text(properties, "$anon_distinct_id")
    device_id = pop_text(properties, "$device_id")
    user_id = pop_text(properties, "$user_id")
    is_identified = properties.pop("$is_identified", None)
    has_person = properties.pop("$process_person_profile", None)
    if name in MERGES and distinct_id is not None and distinct_id == device_id:
        return {"anonymousId": distinct_id}
    if name == "$identify" or name in MERGES:
        return {"userId": distinct_id, "anonymousId": anonymous_before}
    if user_id is not None or is_identified is True:
        return {"userId": real_id(user_id, distinct_id)}
    if distinct_id is not None and SHIPPED.stands_for_nobody(distinct_id):
        return {"userId": distinct_id, "anonymousId": device_id}
    if is_identified is False or has_person is False or distinct_id == device_id:
        return {"anonymousId": distinct_id}
    return {"userId": distinct_id}


def _times(capture: dict[str, Any], properties: dict[str, Any]) -> dict[str, str | None]:
    """Event time as determined by PostHog's servers: from `timestamp` and `sent_at`, or from `offset`.

    posthog-js sends the milliseconds between event and sending in `offset`, and the event's time by the
    device's clock in `$time`.
    """
    timestamp, sent_at = iso_time(capture.pop("timestamp", None)), iso_time(capture.pop("sent_at", None))
    offset, captured = number(capture.pop("offset", None)), number(properties.pop("$time", None))
    received_at = iso_time(capture.pop("now", None))
    if timestamp and sent_at:
        return {"originalTimestamp": timestamp, "sentAt": sent_at, "receivedAt": received_at}
    if timestamp or captured is None:
        return {"timestamp": timestamp or sent_at}
    if offset is not None:
        sent_at = iso_time(captured + offset / 1000)
    if sent_at is None:
        return {"timestamp": iso_time(captured)}
    return {"originalTimestamp": iso_time(captured), "sentAt": sent_at}


def _context(capture: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    if properties.get("$referrer") == DIRECT:
        del properties["$referrer"]
    ip = pop_text(capture, "ip", limit=MAX_TEXT)
    return {**given(ip=ip), **pop_context(properties, PLACES)}


def _read_request(sent: Sent) -> Reading:
    """An event, array or batch; its project key is used as the write key."""
    bodies = parse_objects(sent.body)
    key = only_key({_project_key(body) for body in bodies})
    return Reading(_events(bodies, iso_time(sent.query.get(SENT_AT))), key)


def _read_query(sent: Sent) -> Reading:
    """What older trackers send in a URL: JSON or its Base64 as `data`."""
    return _read_request(sent._replace(body=read_data(sent.query) or b""))


def _read_form(sent: Sent) -> Reading:
    if sent.body.lstrip()[:1] in {b"{", b"["}:
        return _read_request(sent)
    body = read_data(read_form(sent.body))
    if body is None:
        raise Unreadable("send JSON, or JSON in Base64 as the form's field `data`")
    return _read_request(sent._replace(body=body))


def _read_recording(sent: Sent) -> Reading:
    """A part of a session's recording: taken, so that it is not sent again, and thrown away."""
    bodies = parse_objects(sent.body)
    return Reading([], only_key({_project_key(body) for body in bodies}))


def _project_key(body: dict[str, Any]) -> str | None:
    properties = body.get("properties")
    within = text_in(properties, "token") if isinstance(properties, dict) else None
    return text_in(body, "api_key", "token") or within


def _claims(record: Mapping[str, Any]) -> bool:
    batch = record.get("batch")
    if isinstance(batch, list) and batch:
        return "api_key" in record or (isinstance(batch[0], dict) and _is_capture(batch[0]))
    return "api_key" in record or _is_capture(record)


def _is_capture(record: Mapping[str, Any]) -> bool:
    properties = record.get("properties")
    is_named_within = isinstance(properties, dict) and "distinct_id" in properties
    return "event" in record and (
        is_named_within or not record.keys().isdisjoint({"distinct_id", "$distinct_id", "api_key"})
    )


FORMS = (
    TrackerForm(
        name="posthog",
        summary="PostHog captures: one, an array, the body of `/batch`, exported rows",
        shape="`api_key`; or `event` with `distinct_id` (also within `properties`)",
        read=read_posthog,
        claims=_claims,
        is_broad=True,
        routes=(
            Route(("/capture", "/batch", "/e", "/i/v0/e"), _read_request, TAKEN),
            Route(("/track",), _read_form, TAKEN, BodyKind.TEXT),
            Route(("/capture", "/e", "/i/v0/e"), _read_query, TAKEN, BodyKind.NONE),
            Route(("/s",), _read_recording, TAKEN),
        ),
        starts=(
            Route(("/array/{key}/config",), read_posthog_start, TAKEN, BodyKind.NONE),
            Route(("/array/{key}/config.js",), read_posthog_script, TAKEN, BodyKind.NONE),
            Route(("/api/surveys",), read_posthog_surveys, TAKEN, BodyKind.NONE),
            Route(("/flags", "/decide"), read_posthog_flags, TAKEN),
        ),
        senders={"PostHog": "the API host; the project key to a write key"},
        user_fields=("distinct_id", "$distinct_id", "$user_id", "$device_id", "$anon_distinct_id", "alias"),
        fields={
            "`type`": "see below",
            "`messageId`": "`uuid`, `$insert_id`",
            "`userId`": "`$user_id`, `distinct_id`",
            "`anonymousId`": "`distinct_id` of an anonymous event; `$anon_distinct_id` of `$identify`",
            "`timestamp`": "`timestamp` without `sent_at`, `$time`",
            "`originalTimestamp`, `sentAt`": "`timestamp`, `sent_at`; or `$time`, and `$time` plus `offset`",
            "`receivedAt`": "`now`",
            "`context.sessionId`": "`$session_id`",
            "`context.page`": "`$current_url`, `$pathname`, `$referrer`, `$title`",
            "`context.ip`, `userAgent`": "`$ip` or `ip`, `$raw_user_agent`",
            "`context.locale`, `timezone`": "`$browser_language` or `$locale`, `$timezone`",
            "`context.device`, `os`, `browser`": "`$device_type`, `$os`, `$os_version`, `$browser`, "
            "`$browser_version`",
            "`context.location`": "`$geoip_country_code`, …",
            "`context.campaign`": "`utm_source`, `utm_medium`, `utm_campaign`, `utm_term`, `utm_content`",
            "`context.screen`, `app`, `library`": "`$screen_width`, `$app_name`, `$lib`, …",
            "`traits`": "`$set`; `$set_once` as `context.traitsOnce`",
        },
        becomes={
            "`$pageview`": "`page`",
            "`$screen`": "`screen`",
            "`$identify`, `$set`": "`identify`",
            "`$create_alias`, `$merge_dangerously`": "`alias`: `previousId` is the property `alias`",
            "`$groupidentify`": "`group`",
            "`$pageleave`": "track `Page Left`",
        },
    ),
)
