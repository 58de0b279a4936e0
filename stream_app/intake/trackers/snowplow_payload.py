"""Snowplow tracker protocol v2: what a tracker sends, by POST or GET, before any enrichment.

Source: Snowplow's "Tracker protocol" (event parameters) and the `payload_data` schema 1-0-4.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from stream_app.intake.trackers.field_values import iso_time, number, text
from stream_app.intake.trackers.json_records import Unreadable, parse_objects, require_objects
from stream_app.intake.trackers.self_describing import decode_base64, unwrap_entities, unwrap_event
from stream_app.intake.trackers.snowplow_events import canonical_event
from stream_app.intake.trackers.snowplow_fields import EVENT_CODES, PARAMETERS, SIZES, typed

MAX_PARAMETERS = 512
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
    return [_event(_parse_query(value))]


def _parameters_of_body(body: dict[str, Any]) -> list[dict[str, Any]]:
    if "schema" not in body:
        return [body]
    return require_objects(body.get("data"), "data")


def _parse_query(value: bytes) -> dict[str, Any]:
    query = value.strip().rpartition(b"?")[2]
    try:
        pairs = parse_qsl(query.decode(), max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise Unreadable("the query string is not UTF-8") from None
    except ValueError:
        raise Unreadable(f"the query string has more than {MAX_PARAMETERS} parameters") from None
    if not pairs:
        raise Unreadable("neither a JSON object nor a query string")
    return dict(pairs)


def _event(parameters: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in parameters.items() if value is not None and value != ""}
    event = unwrap_event(decode_base64(given.pop("ue_px", None)) or given.pop("ue_pr", None))
    entities = unwrap_entities(decode_base64(given.pop("cx", None)) or given.pop("co", None))
    code = text(given.pop("e", None)) or ""
    fields: dict[str, Any] = {}
    network_id = text(given.pop("nuid", None))
    fields["network_userid"] = text(given.pop("tnuid", None)) or network_id
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
