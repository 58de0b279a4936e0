"""Self-describing JSON: data with the name of its schema, nested and in Base64 as trackers send it.

Source: Snowplow's "Self-describing JSON" and Iglu's schema URIs, `iglu:vendor/name/format/version`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from stream_app.intake.trackers.json_records import Unreadable, parse_json

SCHEMA_URI = re.compile(r"iglu:([^/]+)/([^/]+)/[^/]+/[^/]+")


class Described(NamedTuple):
    """An event or entity with the name of its schema."""

    vendor: str
    name: str
    data: dict[str, Any]


def described(value: Any) -> Described | None:
    """The event or entity in `{"schema": …, "data": {…}}`; None if there is none."""
    if not isinstance(value, dict) or not isinstance(value.get("schema"), str):
        return None
    uri, data = SCHEMA_URI.match(value["schema"]), value.get("data")
    if uri is None or not isinstance(data, dict):
        return None
    return Described(uri[1], uri[2], data)


def unwrap_event(value: Any) -> Described | None:
    """The event within Snowplow's `unstruct_event`, as an object or as its JSON text."""
    wrapper = _parsed(value)
    return described(wrapper.get("data")) if isinstance(wrapper, dict) else None


def unwrap_entities(value: Any) -> list[Described]:
    """The readable entities within Snowplow's `contexts`, as an object or as its JSON text."""
    wrapper = _parsed(value)
    entities = wrapper.get("data") if isinstance(wrapper, dict) else None
    if not isinstance(entities, list):
        return []
    return [entity for entity in map(described, entities) if entity is not None]


def _parsed(value: Any) -> Any:
    if not isinstance(value, str | bytes) or not value:
        return value
    try:
        return parse_json(value)
    except Unreadable:
        return None
