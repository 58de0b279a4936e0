"""The bound within which fields that no mapping knows are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream_app.intake.trackers.json_records import MAX_INTEGER

MAX_FIELDS = 64  # of an object, and members of a list
MAX_NAME = 128  # characters; a field with a longer name is left out
MAX_TEXT = 1024  # characters; a longer text is cut
MAX_DEPTH = 3  # objects and lists within each other; what nests deeper is left out


def keep(fields: Mapping[str, Any], depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The first `MAX_FIELDS` fields that say something, within the bounds above."""
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
