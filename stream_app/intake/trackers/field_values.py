"""Single values as trackers write them: texts, numbers, times; empty and null count as missing."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Any

from stream_app.intake.trackers.json_records import MAX_INTEGER
from stream_app.settings.placeholder_ids import SHIPPED

MAX_EVENT_NAME = 256  # characters, as the contract takes
MILLISECONDS_FROM = 2e10  # as seconds, a number above this lies after the year 2600


def text(value: Any, limit: int | None = None) -> str | None:
    """The value as a text, cut at `limit` characters; None if there is none. Numbers are written out."""
    if isinstance(value, str):
        return value[:limit] or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value)[:limit]


def number(value: Any) -> float | int | None:
    """The value as a finite number of 64 bits, also from its text; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if "_" in value:  # Python's own notation, nobody else's
            return None
        try:
            value = int(value) if value.lstrip("-").isdecimal() and len(value) <= 18 else float(value)
        except ValueError:
            return None
    if isinstance(value, int):
        return value if abs(value) < MAX_INTEGER else None
    return value if isinstance(value, float) and isfinite(value) else None


def iso_time(value: Any) -> str | None:
    """A time in ISO 8601 from epoch seconds or milliseconds; a text that is no number is left as it is.

    What is no time at all comes out as a text, so that the contract refuses it.
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
    """Remove all `names` from the fields; the first of them that is given, as a text."""
    taken = None
    for name in names:
        found = text(fields.pop(name, None), limit)
        taken = found if taken is None else taken
    return taken


def pop_id(fields: dict[str, Any], *names: str, also: str | None = None) -> str | None:
    """Remove all `names` from the fields; of them and `also` the first id that is a real one.

    Where there is none, one of the placeholders, so that it is seen what was sent.
    """
    return real_id(*(text(fields.pop(name, None)) for name in names), also)


def real_id(*given_ids: str | None) -> str | None:
    """The first of some ids of a user that is no placeholder, else the first that is given."""
    there = [given_id for given_id in given_ids if given_id]
    real = (given_id for given_id in there if not SHIPPED.stands_for_nobody(given_id))
    return next(real, there[0] if there else None)
