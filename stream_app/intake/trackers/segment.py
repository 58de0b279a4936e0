"""Segment and RudderStack: single calls, and the body of `/v1/batch`.

Source: Segment's "Spec: Common Fields" and "HTTP Tracking API Source" (batch; timestamps).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from stream_app.intake.trackers.declaration import PIXEL, Answer, BodyKind, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.json_records import (
    Unreadable,
    parse_object,
    parse_objects,
    read_data,
    require_list,
    require_objects,
    text_in,
)
from stream_app.intake.trackers.startup_files import read_rudderstack_start, read_segment_start

NOT_OF_THE_EVENT = frozenset({"writeKey", "integrations", "_metadata"})
INHERITED = ("sentAt", "receivedAt")
MAX_PLACES = 4  # objects within each other that the name of a parameter may make
MAX_SHARED_CONTEXT = 32_768  # bytes; copied into every event of its batch
SHORT_NAMES = {"track": "t", "page": "p", "screen": "s", "identify": "i", "group": "g", "alias": "a"}
BATCH_PATHS = ("/v1/batch", "/v1/import", "/v1/b", "/b", "/beacon/v1/batch")
SUCCESS = Answer(b'{"success":true}')


def read_segment(value: bytes) -> list[dict[str, Any]]:
    """Events of a call, an array of calls, or a batch.

    Raises:
        Unreadable: it is not JSON, not an object, or a batch of something else.
    """
    return [event for call in parse_objects(value) for event in _events(call)]


def read_call(sent: Sent, call: str) -> Reading:
    """The event in a call's body; its type comes from the path if the body has none.

    Raises:
        Unreadable: the body is not a JSON object.
    """
    event = parse_object(sent.body)
    return Reading([{"type": call, **event}], text_in(event, "writeKey"))


def read_batch(sent: Sent) -> Reading:
    """The events of a batch, each with the batch's shared `context` and `sentAt`.

    Members that are not objects are passed on unchanged.

    Raises:
        Unreadable: the body is not a JSON object with a list `batch`.
    """
    whole = parse_object(sent.body)
    if "batch" not in whole:
        raise Unreadable("send an object with a list of events under `batch`")
    batch = require_list(whole["batch"], "`batch`")
    events = [_with_shared(event, whole) if isinstance(event, dict) else event for event in batch]
    return Reading(events, text_in(whole, "writeKey"))


def read_pixel(sent: Sent, call: str) -> Reading:
    """The call in an address: as JSON in Base64 under `data`, or with the name of a field a parameter.

    Raises:
        Unreadable: `data` is not a JSON object.
    """
    if "data" not in sent.query:
        return Reading([{"type": call, **_nested(sent.query)}], sent.query.get("writeKey"))
    event = parse_object(read_data(sent.query) or b"")
    return Reading([{"type": call, **event}], text_in(event, "writeKey"))


def _nested(query: Mapping[str, str]) -> dict[str, Any]:
    """`context.page.url=…` as an object in an object."""
    whole: dict[str, Any] = {}
    for name, value in query.items():
        *places, last = name.split(".")[:MAX_PLACES]
        part = whole
        for place in places:
            inner = part.setdefault(place, {})
            part = inner if isinstance(inner, dict) else {}
        part[last] = value
    return whole


def _with_shared(event: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    complete = dict(event)
    if event.get("sentAt") is None and batch.get("sentAt") is not None:
        complete["sentAt"] = batch["sentAt"]
    shared, own = batch.get("context"), event.get("context")
    if isinstance(shared, dict) and (own is None or isinstance(own, dict)):
        complete["context"] = {**shared, **(own or {})}
    return complete


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
    """A call as an event. If no server has processed it, its `timestamp` is still by the device's clock."""
    event = {**shared, **{name: value for name, value in call.items() if name not in NOT_OF_THE_EVENT}}
    own_context = call.get("context") or {}
    if context and isinstance(own_context, dict):
        event["context"] = {**context, **own_context}
    is_raw = not event.get("originalTimestamp") and not event.get("receivedAt")
    if is_raw and event.get("timestamp") and event.get("sentAt"):
        event["originalTimestamp"] = event.pop("timestamp")
    return event


FORMS = (
    TrackerForm(
        name="segment",
        summary="Segment and RudderStack JSON: a call, an array of calls, the body of `/v1/batch`",
        shape="what no other form claims",
        read=read_segment,
        is_canonical=True,
        routes=(
            *(
                # analytics.js expects a host that ends with /v1; without that, it sends to the bare letter.
                Route((f"/v1/{call}", f"/v1/{short}", f"/{short}"), partial(read_call, call=call), SUCCESS)
                for call, short in SHORT_NAMES.items()
            ),
            Route(BATCH_PATHS, read_batch, SUCCESS),
            *(
                Route(
                    (f"/v1/pixel/{call}", f"/pixel/v1/{call}"),
                    partial(read_pixel, call=call),
                    PIXEL,
                    BodyKind.NONE,
                )
                for call in SHORT_NAMES
            ),
        ),
        starts=(
            Route(("/v1/projects/{key}/settings",), read_segment_start, SUCCESS, BodyKind.NONE),
            Route(("/sourceConfig",), read_rudderstack_start, SUCCESS, BodyKind.NONE),
        ),
        user_fields=("userId", "anonymousId", "previousId"),
        senders={
            "Segment's analytics.js and server libraries": "`cdnURL`, or the host of a server's library, to "
            "`https://collect.example`",
            "RudderStack": "the data plane URL, and in pages `configUrl`, to `https://collect.example`",
        },
    ),
)
