"""The forms in which trackers send events: told apart by shape, read into canonical events."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from stream_app.intake.trackers.flat import read_flat
from stream_app.intake.trackers.json_records import Unreadable, parse_json
from stream_app.intake.trackers.posthog import read_posthog
from stream_app.intake.trackers.segment import read_segment
from stream_app.intake.trackers.snowplow_enriched import FEWEST_TABS, read_enriched
from stream_app.intake.trackers.snowplow_payload import read_payload


class Form(StrEnum):
    """How a record is written."""

    SEGMENT = "segment"
    SNOWPLOW_ENRICHED = "snowplow_enriched"
    SNOWPLOW_PAYLOAD = "snowplow_payload"
    POSTHOG = "posthog"
    FLAT = "flat"


READERS: dict[Form, Callable[[bytes], list[dict[str, Any]]]] = {
    Form.SEGMENT: read_segment,
    Form.SNOWPLOW_ENRICHED: read_enriched,
    Form.SNOWPLOW_PAYLOAD: read_payload,
    Form.POSTHOG: read_posthog,
    Form.FLAT: read_flat,
}
SNOWPLOW_QUERY = re.compile(rb"(?:^|[?&])e=(?:pv|pp|ue|se|tr|ti)(?:&|$)")


def read(value: bytes, form: Form) -> list[dict[str, Any]]:
    """Canonical events of a record, as plain objects with camelCase keys; several of a batch, in its order.

    What a tracker left out is left out here: whether an event is complete is for the contract to judge.

    Raises:
        Unreadable: the record is not of this form.
    """
    return READERS[form](value)


def detect(value: bytes) -> Form:
    """The form of a record by its shape; Segment's where nothing tells."""
    if value.lstrip()[:1] in {b"{", b"["}:
        try:
            parsed = parse_json(value)
        except Unreadable:
            return Form.SEGMENT
        return _form_of(parsed[0] if isinstance(parsed, list) and parsed else parsed)
    if value.count(b"\t") >= FEWEST_TABS:
        return Form.SNOWPLOW_ENRICHED
    return Form.SNOWPLOW_PAYLOAD if SNOWPLOW_QUERY.search(value.strip()) else Form.SEGMENT


def _form_of(record: Any) -> Form:
    if not isinstance(record, dict):
        return Form.SEGMENT
    batch = record.get("batch")
    if isinstance(batch, list) and batch:
        return Form.POSTHOG if _is_posthog(record) or _is_posthog(batch[0]) else Form.SEGMENT
    if "type" in record and not _is_posthog(record):
        return Form.SEGMENT
    schema = record.get("schema")
    if "e" in record or (isinstance(schema, str) and "/payload_data/" in schema):
        return Form.SNOWPLOW_PAYLOAD
    if "collector_tstamp" in record or ("event_id" in record and "app_id" in record):
        return Form.SNOWPLOW_ENRICHED
    if _is_posthog(record):
        return Form.POSTHOG
    if "event" in record and not record.keys().isdisjoint({"user_id", "anonymous_id"}):
        return Form.FLAT
    return Form.SEGMENT


def _is_posthog(record: Any) -> bool:
    if not isinstance(record, dict) or "event" not in record:
        return isinstance(record, dict) and "api_key" in record
    properties = record.get("properties")
    named = isinstance(properties, dict) and "distinct_id" in properties
    return named or not record.keys().isdisjoint({"distinct_id", "$distinct_id", "api_key"})
