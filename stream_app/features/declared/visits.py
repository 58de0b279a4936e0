"""The open session of declared features: events without a pause longer than the session gap between them.

Late events prolong and join visits, so those that may still get some are kept. A tracker's session ids, and
the longest length of a session, play no part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stream_app.features.declared.state import Visit

MAX_VISITS = 4  # by default, no more can still be joined by events within the allowed lateness

Merge = Callable[[int, Any, Any], Any]


def at_time(visits: list[Visit], at: float, gap: float) -> Visit:
    """The visit that an event at `at` is part of: it is prolonged to it, or begun."""
    for visit in visits:
        if visit.first_at - gap <= at <= visit.last_at + gap:
            visit.first_at = min(visit.first_at, at)
            visit.last_at = max(visit.last_at, at)
            return visit
    begun = Visit(at, at)
    visits.append(begun)
    return begun


def join_close(visits: list[Visit], gap: float, merge: Merge) -> None:
    """Join visits between which there is no pause any more, and keep the newest."""
    visits.sort(key=lambda visit: (visit.first_at, visit.last_at))
    joined: list[Visit] = []
    for visit in visits:
        if joined and visit.first_at - joined[-1].last_at <= gap:
            into = joined[-1]
            into.last_at = max(into.last_at, visit.last_at)
            for place, part in visit.parts.items():
                known = into.parts.get(place)
                into.parts[place] = part if known is None else merge(place, known, part)
        else:
            joined.append(visit)
    visits[:] = joined[-MAX_VISITS:]


def open_at(visits: list[Visit], at: float, gap: float) -> Visit | None:
    """The visit that is not over at event time `at`; None where there is none."""
    if not visits:
        return None
    newest = max(visits, key=lambda visit: visit.last_at)
    return newest if at - newest.last_at <= gap else None


def moved(visits: list[Visit], places: Mapping[int, int]) -> list[Visit]:
    """The visits with the parts of features that have moved, each to its new place; others are dropped."""
    return [
        Visit(
            visit.first_at,
            visit.last_at,
            {places[place]: part for place, part in visit.parts.items() if place in places},
        )
        for visit in visits
    ]
