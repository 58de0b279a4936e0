"""Single values as trackers write them: text, numbers, times; empty and null count as missing."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Any

from stream_app.intake.trackers.json_records import MAX_INTEGER
from stream_app.settings.placeholder_ids import SHIPPED

MAX_EVENT_NAME = 256  # characters, the contract's limit
MILLISECONDS_FROM = 2e10  # as seconds, larger numbers are after the year 2600


def text(value: Any, limit: int | None = None) -> str | None:
    """The value as text, cut at `limit` characters; None if missing. Numbers are converted."""
    if isinstance(value, str):
        return value[:limit] or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value)[:limit]


def number(value: Any) -> float | int | None:
    """The value as a finite 64-bit number, also from text; None if it is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if "_" in value:  # Python's own notation, which nothing else uses
            return None
        try:
            value = int(value) if value.lstrip("-").isdecimal() and len(value) <= 18 else float(value)
        except ValueError:
            return None
    if isinstance(value, int):
        return value if abs(value) < MAX_INTEGER else None
    return value if isinstance(value, float) and isfinite(value) else None


def iso_time(value: Any) -> str | None:
    """A time in ISO 8601 from epoch seconds or milliseconds; text that is not a number is returned unchanged.

    A value that is not a time at all becomes text, so that the contract refuses it.
    """
    written = text(value)
    epoch = number(value)
    if written is None or epoch is None:
        return written
    try:
        seconds = epoch / 1000 if abs(epoch) > MILLISECONDS_FROM else epoch
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return "out of range"


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not missing: neither None nor empty."""
    return {name: value for name, value in fields.items() if value or value == 0}


def pop_text(fields: dict[str, Any], *names: str, limit: int | None = None) -> str | None:
    """Remove all `names` from the fields; return the first one given, as text."""
    taken = None
    for name in names:
        found = text(fields.pop(name, None), limit)
        taken = found if taken is None else taken
    return taken


def pop_id(fields: dict[str, Any], *names: str, also: str | None = None) -> str | None:
    """Remove all `names` from the fields; return the first real id among them and `also`.

    If there is none, return one of the placeholders, to show what was sent.
    """
    return real_id(*(text(fields.pop(name, None)) for name in names), also)


def real_id(*given_ids: str | None) -> str | None:
    """The first of a user's ids that is not a placeholder, or else the first one given."""
    there = [given_id for given_id in given_ids if given_id]
    real = (given_id for given_id in there if not SHIPPED.stands_for_nobody(given_id))
    return next(real, there[0] if there else None)
