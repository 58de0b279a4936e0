"""What is known of a user, put into the numbers that the models of chances read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p

import numpy as np
from numpy.typing import NDArray

from stream_app.features.notified import Notified
from stream_app.models.notifications.chances import Chances, Occasion
from stream_app.planning.local_time import LocalClock
from stream_app.planning.segments import SEGMENT_NUMBER, Segment
from stream_app.planning.when import VisitHours, opened_then, ratio_log
from stream_app.planning.whether import Standing
from stream_app.settings.rules import DAY

Floats = NDArray[np.float64]

TIRED_HALF_LIVES = np.array([1.0, 3.0, 7.0]) * DAY
SHOWN_HALF_LIVES = np.array([3.0, 10.0]) * DAY
OPENNESS_EVIDENCE = 0.4  # openings foreseen
LIKING_EVIDENCE = 0.8
_LAPSED = 365 * DAY


@dataclass(frozen=True)
class Known:
    """What is known of one user when a decision is taken.

    `hours` counts visits by local hour (24,); `recent_visits` those of about a month; `in_session_until` is
    when an open session would end at the latest, 0.0 for none. `items` are what a text can name, by source;
    `relevance` tells, for types with items, how much more than others the user looked at such (a log).
    """

    user_key: str
    segment: Segment
    standing: Standing
    clock: LocalClock
    last_at: float
    recent_visits: float
    hours: Sequence[int] | Floats
    state: Notified
    language: str = ""
    in_session_until: float = 0.0
    items: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    relevance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Learned:
    """What was learned of all users; only read here."""

    chances: Chances
    visit_hours: VisitHours


def occasion_of(
    known: Known, learned: Learned, kinds: Mapping[str, int], hours: Sequence[int], now: float
) -> Occasion:
    """The numbers of one user for these types (by name, with their numbers) at these local hours."""
    state, segment = known.state, SEGMENT_NUMBER[known.segment]
    ages = np.array([max(0.0, now - sent.at) for sent in state.sent])
    tired = (0.5 ** (ages[:, None] / TIRED_HALF_LIVES)).sum(axis=0)
    away = min(max(0.0, now - known.last_at), _LAPSED) / DAY
    openness = float(ratio_log(np.array(state.all.opened), np.array(state.all.expected), OPENNESS_EVIDENCE))
    shared = np.array([1.0, openness, *tired, log1p(away), log1p(known.recent_visits)])
    of_kind = np.array([_values_of_kind(known, name, ages) for name in kinds]).reshape(len(kinds), -1)
    local_hours = np.asarray(hours, np.int64)
    of_hour = np.column_stack(
        [
            learned.visit_hours.affinity(segment, known.hours)[local_hours],
            opened_then(state.hours)[local_hours],
        ]
    )
    return Occasion(segment, shared, np.fromiter(kinds.values(), np.int64), of_kind, local_hours, of_hour)


def _values_of_kind(known: Known, name: str, ages: Floats) -> list[float]:
    tally = known.state.kinds.get(name)
    liking = 0.0
    if tally is not None:
        liking = float(ratio_log(np.array(tally.opened), np.array(tally.expected), LIKING_EVIDENCE))
    shown = [age for age, sent in zip(ages, known.state.sent, strict=True) if sent.kind == name]
    recent, older = (0.5 ** (np.array(shown)[:, None] / SHOWN_HALF_LIVES)).sum(axis=0) if shown else (0, 0)
    return [liking, float(recent), float(older), known.relevance.get(name, 0.0)]
