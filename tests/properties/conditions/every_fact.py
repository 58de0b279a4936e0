"""An oracle of conditions: keeps every fact, and asks at each time that may matter what holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import inf
from typing import NamedTuple

from stream_app.definitions.conditions import Condition
from stream_app.definitions.events import EventMatch
from stream_app.definitions.spans import seconds_of


class Happened(NamedTuple):
    """A fact: the events that came, and the values of features then."""

    at: float
    name: str | None
    features: Mapping[str, float]


def timeline(
    conditions: Mapping[str, Condition], facts: Sequence[Happened], until: float
) -> list[tuple[float, str, bool]]:
    """Every change up to `until`, that time excluded, in order."""
    in_time = sorted(facts, key=lambda fact: fact.at)
    times = {fact.at for fact in in_time}
    for condition in conditions.values():
        times |= {at + span for at in list(times) for span in _spans(condition, conditions)}
    held: set[str] = set()
    changes = []
    for at in sorted(time for time in times if in_time and in_time[0].at <= time < until):
        past = [fact for fact in in_time if fact.at <= at]
        for name, condition in conditions.items():
            if _holds(condition, past, at, conditions) != (name in held):
                held ^= {name}
                changes.append((at, name, name in held))
    return changes


def _spans(condition: Condition, conditions: Mapping[str, Condition]) -> set[float]:
    found = {
        seconds_of(span) for span in (condition.within, condition.lasting, condition.then) if span is not None
    }
    parts = [*(condition.all_ or ()), *(condition.any_ or ()), *filter(None, [condition.not_])]
    if condition.audience is not None:
        parts.append(conditions[condition.audience])
    for part in parts:
        found |= _spans(part, conditions)
    return found


def _holds(
    condition: Condition, past: Sequence[Happened], at: float, conditions: Mapping[str, Condition]
) -> bool:
    if condition.all_ is not None:
        return all(_holds(part, past, at, conditions) for part in condition.all_)
    if condition.any_ is not None:
        return any(_holds(part, past, at, conditions) for part in condition.any_)
    if condition.not_ is not None:
        return not _holds(condition.not_, past, at, conditions)
    if condition.audience is not None:
        return _holds(conditions[condition.audience], past, at, conditions)
    if condition.feature is not None:
        value = past[-1].features.get(condition.feature)
        return value is not None and condition.at_least is not None and value >= condition.at_least
    if condition.sequence is not None:
        return _completed(condition, past, at)
    assert condition.event is not None
    came = [(place, fact) for place, fact in enumerate(past) if _is_meant(condition.event, fact)]
    if condition.without is not None:
        lasting = seconds_of(str(condition.lasting))
        return any(
            fact.at <= at - lasting
            and not _is_meant(condition.without, fact)
            and not any(_is_meant(condition.without, later) for later in past[place + 1 :])
            for place, fact in came
        )
    within = seconds_of(condition.within) if condition.within else inf
    return len([fact for _, fact in came if at < fact.at + within]) >= (condition.times or 1)


def _completed(condition: Condition, past: Sequence[Happened], at: float) -> bool:
    steps = condition.sequence or ()
    within = seconds_of(condition.within) if condition.within else inf
    then = seconds_of(condition.then) if condition.then else inf
    return any(
        chosen[-1].at - chosen[0].at <= within
        and at < chosen[-1].at + then
        and all(_is_meant(step, fact) for step, fact in zip(steps, chosen, strict=True))
        for chosen in combinations(past, len(steps))
    )


def _is_meant(match: EventMatch, fact: Happened) -> bool:
    return fact.name is not None and match.name in (None, fact.name)
