"""Segment and RudderStack: single calls as they stand, and the body of `/v1/batch`.

Source: Segment's "Spec: Common Fields" and "HTTP Tracking API Source" (batch; timestamps).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stream_app.intake.trackers.json_records import Unreadable, parse_objects, require_objects

NOT_OF_THE_EVENT = frozenset({"writeKey", "integrations", "_metadata"})
INHERITED = ("sentAt", "receivedAt")
MAX_SHARED_CONTEXT = 32_768  # bytes; it is copied into every event of its batch


def read_segment(value: bytes) -> list[dict[str, Any]]:
    """Events of a call, an array of calls, or a batch.

    Raises:
        Unreadable: it is not JSON, not an object, or a batch of something else.
    """
    return [event for call in parse_objects(value) for event in _events(call)]


def _events(call: dict[str, Any]) -> list[dict[str, Any]]:
    if "batch" not in call:
        return [_event(call, {}, {})]
    shared_context = call.get("context")
    if not isinstance(shared_context, dict):
        shared_context = {}
    if len(msgspec.json.encode(shared_context)) > MAX_SHARED_CONTEXT:
        raise Unreadable(f"the batch's context is longer than {MAX_SHARED_CONTEXT} bytes")
    shared = {name: call[name] for name in INHERITED if call.get(name) is not None}
    return [_event(item, shared, shared_context) for item in require_objects(call["batch"], "batch")]


def _event(call: dict[str, Any], shared: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """A call as an event. The `timestamp` of one that no server has seen is still by the device's clock."""
    event = {**shared, **{name: value for name, value in call.items() if name not in NOT_OF_THE_EVENT}}
    own_context = call.get("context") or {}
    if context and isinstance(own_context, dict):
        event["context"] = {**context, **own_context}
    is_raw = not event.get("originalTimestamp") and not event.get("receivedAt")
    if is_raw and event.get("timestamp") and event.get("sentAt"):
        event["originalTimestamp"] = event.pop("timestamp")
    return event
