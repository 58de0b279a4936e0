"""Bounds on fields that have no mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream_app.intake.trackers.json_records import MAX_INTEGER

MAX_FIELDS = 64  # fields of an object, and members of a list
MAX_NAME = 128  # characters; fields with longer names are dropped
MAX_TEXT = 1024  # characters; longer text is cut
MAX_DEPTH = 3  # levels of nesting; deeper values are dropped


def keep(fields: Mapping[str, Any], depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The first `MAX_FIELDS` non-empty fields, within the bounds above."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if len(kept) == MAX_FIELDS:
            break
        bounded = _bounded(value, depth)
        if bounded is not None and bounded != "" and len(name) <= MAX_NAME:
            kept[name] = bounded
    return kept


def _bounded(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, dict):
        return keep(value, depth - 1) if depth > 0 else None
    if isinstance(value, list):
        if depth == 0:
            return None
        members = (_bounded(member, depth - 1) for member in value[:MAX_FIELDS])
        return [member for member in members if member is not None]
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        return None
    return value
