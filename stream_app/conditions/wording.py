"""Conditions in words, for people who ask why."""

from __future__ import annotations

from stream_app.definitions.conditions import Condition
from stream_app.definitions.events import ComparisonFields, EventMatch

_COMPARED = {
    "is_": "is",
    "is_not": "is not",
    "in_": "is one of",
    "at_least": "is at least",
    "at_most": "is at most",
    "above": "is above",
    "below": "is below",
}


def words_of(condition: Condition, is_held: bool) -> str:
    """A condition on events or state, and whether it holds."""
    words = _words(condition)
    return words if is_held else f"no longer: {words}"


def _words(condition: Condition) -> str:
    if condition.tier is not None:
        return f"tier is {' or '.join(map(str, condition.tier))}"
    if condition.event is not None:
        if condition.without is not None:
            return f"{_name(condition.event)}, then no {_name(condition.without)} for {condition.lasting}"
        times = f"{condition.times} times " if (condition.times or 1) > 1 else ""
        within = f" within {condition.within}" if condition.within is not None else ""
        return f"{times}{_name(condition.event)}{within}"
    if condition.sequence is not None:
        within = f" within {condition.within}" if condition.within is not None else ""
        return ", then ".join(map(_name, condition.sequence)) + within
    about = condition.feature or condition.trait or condition.chance or ""
    kind = "trait " if condition.trait else "chance of " if condition.chance else ""
    return f"{kind}{about} {compared(condition)}"


def compared(comparison: ComparisonFields) -> str:
    """What a value is held against."""
    parts = [
        f"{word} {_shown(value)}"
        for name, word in _COMPARED.items()
        if (value := getattr(comparison, name)) is not None
    ]
    if comparison.exists is not None:
        parts.append("is known" if comparison.exists else "is not known")
    return " and ".join(parts)


def _name(match: EventMatch) -> str:
    named = match.name or f"any {match.type}"
    where = [f"{condition.property} {compared(condition)}" for condition in match.where]
    return f"{named} ({', '.join(where)})" if where else named


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
