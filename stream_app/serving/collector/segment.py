"""Bodies of Segment's HTTP tracking API; RudderStack's trackers send the same.

Source: Segment's specification of the HTTP API, of the common fields and of the batch method.
"""

from __future__ import annotations

from typing import Any

from stream_app.serving.collector.reading import Reading, parse_object, text_in
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

SHORT_NAMES = {"track": "t", "page": "p", "screen": "s", "identify": "i", "group": "g", "alias": "a"}
BATCH_PATHS = ("/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch")


def call_paths(call: str) -> tuple[str, str]:
    """The path of a call, and the short one to which analytics.js sends it."""
    return f"/v1/{call}", f"/v1/{SHORT_NAMES[call]}"


def read_call(body: bytes, call: str) -> Reading:
    """The one event of a call's body; its type is that of the path where the body names none.

    Raises:
        RefusedError: the body is not a JSON object.
    """
    event = parse_object(body)
    return Reading([{"type": call, **event}], text_in(event, "writeKey"))


def read_batch(body: bytes) -> Reading:
    """The events of a batch, each with what the batch says for all: `context` and `sentAt`.

    What is no object is handed on as it is.

    Raises:
        RefusedError: the body is not a JSON object with a list `batch`.
    """
    whole = parse_object(body)
    batch = whole.get("batch")
    if not isinstance(batch, list):
        raise RefusedError(RefusalReason.BAD_FORM, "send an object with a list of events under `batch`")
    events = [_with_shared(event, whole) if isinstance(event, dict) else event for event in batch]
    return Reading(events, text_in(whole, "writeKey"))


def _with_shared(event: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    complete = dict(event)
    if event.get("sentAt") is None and batch.get("sentAt") is not None:
        complete["sentAt"] = batch["sentAt"]
    shared, own = batch.get("context"), event.get("context")
    if isinstance(shared, dict) and (own is None or isinstance(own, dict)):
        complete["context"] = {**shared, **(own or {})}
    return complete
