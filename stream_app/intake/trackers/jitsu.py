"""Jitsu: Segment's calls at its own paths, with the write key in a header.

Source: Jitsu's "HTTP API" and its JavaScript SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stream_app.intake.trackers.declaration import Answer, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.segment import SHORT_NAMES, read_batch, read_call, read_segment

LIBRARY = "jitsu"
OK = Answer(b'{"ok":true}')


def _with_key(reading: Reading, sent: Sent) -> Reading:
    """The SDK masks the key in its body. Its keys are `KEY:SECRET`; the collector's have no second part."""
    shown = sent.headers.get("x-write-key") or sent.query.get("writekey") or reading.write_key
    return reading._replace(write_key=shown.partition(":")[0] if shown else None)


def _read_call(sent: Sent, call: str) -> Reading:
    return _with_key(read_call(sent, call), sent)


def _read_batch(sent: Sent) -> Reading:
    return _with_key(read_batch(sent), sent)


def _claims(record: Mapping[str, Any]) -> bool:
    first = record
    batch = record.get("batch")
    if isinstance(batch, list) and batch and isinstance(batch[0], dict):
        first = batch[0]
    context = first.get("context")
    library = context.get("library") if isinstance(context, dict) else None
    name = library.get("name") if isinstance(library, dict) else None
    return isinstance(name, str) and LIBRARY in name.lower()


def _paths(call: str) -> tuple[str, ...]:
    return f"/api/s/{call}", f"/api/s/s2s/{call}"


FORMS = (
    TrackerForm(
        name="jitsu",
        summary="Jitsu: Segment's calls, from its own SDK",
        shape="a `context.library` of Jitsu's",
        read=read_segment,
        claims=_claims,
        routes=(
            *(Route(_paths(call), partial(_read_call, call=call), OK) for call in SHORT_NAMES),
            Route(_paths("batch"), _read_batch, OK),
        ),
        senders={
            "Jitsu": "the host to `https://collect.example`; the write key to one of the collector's, a "
            "colon and "
            "any text"
        },
        user_fields=("userId", "anonymousId", "previousId"),
        fields={"`type`": "`type`", "`messageId`": "`messageId`", "`userId`": "`userId`"}
        | {"`anonymousId`": "`anonymousId`", "`traits`": "`traits`; the rest is Segment's"},
    ),
)
