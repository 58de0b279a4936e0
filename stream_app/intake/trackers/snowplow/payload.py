"""Snowplow tracker protocol v2 (`tp2`): what a tracker sends, by POST or GET, before any enrichment.

Source: Snowplow's "Tracker protocol" (event parameters) and the `payload_data` schema 1-0-4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from stream_app.intake.trackers.declaration import (
    PIXEL,
    Answer,
    BodyKind,
    FormSetting,
    Reading,
    Route,
    Sent,
    TrackerForm,
)
from stream_app.intake.trackers.field_values import iso_time, number, real_id, text
from stream_app.intake.trackers.json_records import (
    Unreadable,
    decode_base64,
    only_key,
    parse_object,
    parse_objects,
    require_objects,
    text_in,
)
from stream_app.intake.trackers.query_strings import parse_query
from stream_app.intake.trackers.snowplow.events import canonical_event
from stream_app.intake.trackers.snowplow.fields import EVENT_CODES, PARAMETERS, SIZES, typed
from stream_app.intake.trackers.snowplow.self_describing import unwrap_entities, unwrap_event

# With it a collector stores neither the address nor a network id.
ANONYMOUS_HEADER = "sp-anonymous"
OF_THE_NETWORK = ("nuid", "tnuid", "ip")
REDIRECT_SCHEMA = "iglu:com.snowplowanalytics.snowplow/uri_redirect/jsonschema/1-0-0"
QUERY = re.compile(rb"(?:^|[?&])e=(?:pv|pp|ue|se|tr|ti)(?:&|$)")
TIMES = ("dvce_created_tstamp", "dvce_sent_tstamp", "true_tstamp")


def read_payload(value: bytes) -> list[dict[str, Any]]:
    """Events of a POST body, of one event's parameters as JSON, or of a GET request's query string.

    Raises:
        Unreadable: it is neither.
    """
    if value.lstrip()[:1] in {b"{", b"["}:
        return [
            _event(parameters) for body in parse_objects(value) for parameters in _parameters_of_body(body)
        ]
    return [_event(parse_query(value))]


def _parameters_of_body(body: dict[str, Any]) -> list[dict[str, Any]]:
    if "schema" not in body:
        return [body]
    return require_objects(body.get("data"), "data")


def _event(parameters: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in parameters.items() if value is not None and value != ""}
    event = unwrap_event(decode_base64(given.pop("ue_px", None)) or given.pop("ue_pr", None))
    entities = unwrap_entities(decode_base64(given.pop("cx", None)) or given.pop("co", None))
    code = text(given.pop("e", None)) or ""
    fields: dict[str, Any] = {}
    network_id = text(given.pop("nuid", None))
    fields["network_userid"] = real_id(text(given.pop("tnuid", None)), network_id)
    for name, value in given.items():
        if name in SIZES:
            fields.update(zip(SIZES[name], _size(value), strict=True))
        else:
            field = PARAMETERS.get(name, name)
            fields[field] = typed(field, value)
    fields["event"] = EVENT_CODES.get(code)
    for name in TIMES:
        fields[name] = iso_time(fields.get(name))
    return canonical_event(fields, event, entities)


def _size(value: Any) -> tuple[float | None, float | None]:
    width, _, height = value.partition("x") if isinstance(value, str) else ("", "", "")
    return number(width), number(height)


def _read_post(sent: Sent) -> Reading:
    """The events of a `tp2` body. Its trackers have no field for a write key, so their app id is used."""
    payload = parse_object(sent.body)
    if "schema" not in payload:
        raise Unreadable("send a `schema` and a list of events under `data`")
    return _read_parameters(require_objects(payload.get("data"), "data"), sent)


def _read_pixel(sent: Sent) -> Reading:
    return _read_parameters([dict(sent.query)], sent)


def _read_redirect(sent: Sent) -> Reading:
    """A link to `u` through the collector; where it names no event, that it was followed is one."""
    parameters = dict(sent.query)
    target = parameters.pop("u", "")
    if not target:
        raise Unreadable("send the address to go to as `u`")
    if "e" not in parameters:
        followed = {"schema": REDIRECT_SCHEMA, "data": {"uri": target}}
        parameters |= {"e": "ue", "ue_pr": orjson.dumps({"schema": "", "data": followed}).decode()}
    return _read_parameters([parameters], sent)._replace(forward_to=target)


def _read_parameters(entries: list[dict[str, Any]], sent: Sent) -> Reading:
    is_anonymous = ANONYMOUS_HEADER in sent.headers
    if is_anonymous:
        entries = [
            {name: value for name, value in entry.items() if name not in OF_THE_NETWORK} for entry in entries
        ]
    key = only_key({text_in(entry, "aid") for entry in entries})
    return Reading([_event(entry) for entry in entries], key, is_anonymous=is_anonymous)


def _claims(record: Mapping[str, Any]) -> bool:
    schema = record.get("schema")
    names_payload = isinstance(schema, str) and "/payload_data/" in schema
    return "type" not in record and ("e" in record or names_payload)


PAYLOAD = TrackerForm(
    name="snowplow_payload",
    summary="Snowplow tracker protocol v2 (`tp2`): the `payload_data` body of a POST, one event's parameters "
    "as JSON, the query string of a GET",
    shape="a `schema` that names `payload_data`; or `e`",
    read=read_payload,
    claims=_claims,
    claims_text=lambda value: QUERY.search(value.strip()) is not None,
    routes=(
        Route(
            ("/com.snowplowanalytics.snowplow/tp2",),
            _read_post,
            Answer(b"ok", "text/plain"),
            path_setting="snowplow_post_path",
        ),
        Route(("/i", "/ice.png"), _read_pixel, PIXEL, BodyKind.NONE),
        Route(("/r/tp2",), _read_redirect, PIXEL, BodyKind.NONE),
    ),
    settings=(
        FormSetting(
            "snowplow_post_path",
            "",
            r"^(/[\w.-]+/[\w.-]+)?$",
            "One more path for Snowplow's trackers that are given a `postPath`, as /vendor/version.",
        ),
    ),
    senders={"Snowplow": "the collector's address; the app id to a write key"},
    user_fields=("uid", "duid", "tnuid", "nuid"),
    fields={
        "`type`": "see below",
        "`messageId`": "`eid`",
        "`userId`": "`uid`",
        "`anonymousId`": "`duid`, `tnuid`, `nuid`; the `userId` of `client_session`",
        "`timestamp`": "`ttm`",
        "`originalTimestamp`, `sentAt`": "`dtm`, `stm`",
        "`context.sessionId`": "`sid`; `client_session`",
        "`context.page`": "`url`, `refr`, `page`",
        "`context.ip`, `userAgent`": "`ip`, `ua`",
        "`context.locale`, `timezone`": "`lang`, `tz`",
        "`context.device`, `os`, `browser`": "`mobile_context`, `yauaa_context`",
        "`context.screen`, `app`, `library`": "`res`, `aid`, `tna`, `tv`",
    },
)
