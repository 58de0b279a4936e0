"""Bodies of trackers with a form of their own, read into Segment's by the core.

Sources: Snowplow's tracker protocol (`payload_data`, the pixel's query), PostHog's capture API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import orjson

from stream_app.intake.trackers import Form, Unreadable, read
from stream_app.serving.collector.reading import Reading, parse, parse_object, text_in
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

SNOWPLOW_PATH = "/com.snowplowanalytics.snowplow/tp2"
SNOWPLOW_PIXEL_PATH = "/i"
POSTHOG_PATHS = ("/capture", "/capture/", "/batch", "/batch/", "/e/", "/i/v0/e/")
PAYLOAD_SCHEMA = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


def read_snowplow(body: bytes) -> Reading:
    """The events of a `tp2` body. Its trackers have no field for a write key: their app id stands for one.

    Raises:
        RefusedError: the body is not a payload of events, or these are of several app ids.
    """
    payload = parse_object(body)
    data = payload.get("data")
    if "schema" not in payload or not _are_objects(data):
        raise RefusedError(RefusalReason.BAD_FORM, "send a `schema` and a list of events under `data`")
    return Reading(_read(body, Form.SNOWPLOW_PAYLOAD), _only({text_in(entry, "aid") for entry in data}))


def read_pixel(query: Mapping[str, str]) -> Reading:
    """The event in the query of a pixel's address.

    Raises:
        RefusedError: it is not one.
    """
    return read_snowplow(orjson.dumps({"schema": PAYLOAD_SCHEMA, "data": [dict(query)]}))


def read_posthog(body: bytes) -> Reading:
    """The event, array or batch that a PostHog tracker sends; its project key stands for a write key.

    Raises:
        RefusedError: the body is none of them, or shows several keys.
    """
    parsed = parse(body)
    captures = parsed if isinstance(parsed, list) else [parsed]
    if not _are_objects(captures):
        raise RefusedError(RefusalReason.BAD_FORM, "send an event, or a list of events under `batch`")
    return Reading(_read(body, Form.POSTHOG), _only({_project_key(capture) for capture in captures}))


def _project_key(capture: dict[str, Any]) -> str | None:
    properties = capture.get("properties")
    within = text_in(properties, "token") if isinstance(properties, dict) else None
    return text_in(capture, "api_key", "token") or within


def _are_objects(data: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(data, list) and all(isinstance(entry, dict) for entry in data)


def _only(keys: set[str | None]) -> str | None:
    if len(keys) > 1:
        raise RefusedError(RefusalReason.BAD_FORM, "send the events of one application at a time")
    return next(iter(keys), None)


def _read(value: bytes, form: Form) -> list[dict[str, Any]]:
    try:
        return read(value, form)
    except Unreadable as unreadable:
        raise RefusedError(
            RefusalReason.BAD_FORM, f"not as its tracker sends it: {unreadable.detail}"
        ) from None
