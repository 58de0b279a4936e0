"""Amplitude's older addresses: forms with events as JSON in a field, which become events of its HTTP V2 API.

Source: Amplitude's "HTTP API (deprecated)", "Identify API" and "Group Identify API", and what its SDKs before
2022 (amplitude-js, iOS, Android) send to the root of their server: `client`, `e`, `upload_time`.
"""

from __future__ import annotations

from typing import Any

from stream_app.intake.trackers.declaration import Sent
from stream_app.intake.trackers.json_records import (
    Unreadable,
    parse_json,
    read_form,
    require_objects,
)

KEY_FIELDS = ("client", "api_key")
EVENT_FIELDS = ("e", "event", "identification")
# What older SDKs call a field of today's events.
RENAMED = {"timestamp": "time", "uuid": "insert_id"}


def read_upload(sent: Sent, kind: str | None = None) -> dict[str, Any]:
    """The body of an upload to HTTP V2 that says the same; `kind` is the type of events that name none.

    Raises:
        Unreadable: it is none of these forms.
    """
    fields = {**sent.query, **read_form(sent.body)}
    written = next((fields[name] for name in EVENT_FIELDS if fields.get(name)), None)
    if written is None:
        raise Unreadable("send `client` or `api_key`, and events as JSON in `e`, `event` or `identification`")
    parsed = parse_json(written)
    events = require_objects(parsed if isinstance(parsed, list) else [parsed], "the events")
    upload: dict[str, Any] = {"events": [_renamed({"event_type": kind, **event}) for event in events]}
    upload["api_key"] = next((fields[name] for name in KEY_FIELDS if fields.get(name)), None)
    upload["client_upload_time"] = fields.get("upload_time")
    return upload


def _renamed(event: dict[str, Any]) -> dict[str, Any]:
    renamed = dict(event)
    for old, new in RENAMED.items():
        if renamed.get(new) is None and old in renamed:
            renamed[new] = renamed.pop(old)
    library = renamed.get("library")
    if isinstance(library, dict):
        renamed["library"] = "/".join(str(library[part]) for part in ("name", "version") if part in library)
    return renamed
