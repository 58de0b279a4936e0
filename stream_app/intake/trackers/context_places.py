"""Fields of a form that have their own place in the canonical context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stream_app.intake.trackers.field_values import text

# The contract's limits, in characters. Ids are never cut, because that could merge two users.
MAX_TEXT = 1024
MAX_USER_AGENT = 4096
MAX_URL = 8192


def short_text(value: Any) -> str | None:
    """A text cut to the contract's limit for a context."""
    return text(value, MAX_TEXT)


def url_text(value: Any) -> str | None:
    """A text cut to the contract's limit for a URL."""
    return text(value, MAX_URL)


def user_agent_text(value: Any) -> str | None:
    """A text cut to the contract's limit for a user agent."""
    return text(value, MAX_USER_AGENT)


class Place(NamedTuple):
    """Where a field belongs: `context.<part>.<name>`, or `context.<name>` without a part."""

    part: str | None
    name: str
    convert: Callable[[Any], Any] = short_text


def pop_context(fields: dict[str, Any], places: Mapping[str, Place]) -> dict[str, Any]:
    """Remove the fields that have a place; return their context. Of two with one place the first counts."""
    context: dict[str, Any] = {}
    for field, (part, name, convert) in places.items():
        if field in fields:
            value = convert(fields.pop(field))
            if value is not None:
                target = context if part is None else context.setdefault(part, {})
                target.setdefault(name, value)
    return context
