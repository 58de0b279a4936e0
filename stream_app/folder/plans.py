"""A data folder's users in their segments, and what a campaign would plan for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from stream_app.errors import StateError
from stream_app.features.notified import Notified
from stream_app.features.user_row import UserRow
from stream_app.intake import consent
from stream_app.models.notifications.chances import Chances
from stream_app.planning.campaigns import Campaign
from stream_app.planning.decision import Decision, decide
from stream_app.planning.local_time import clock_of, utc
from stream_app.planning.occasion import Known, Learned
from stream_app.planning.rfm import Measures, RfmScale, measures_of
from stream_app.planning.segments import SEGMENT_NUMBER, SEGMENTS, Segment, segment_of
from stream_app.planning.triggers import Acts, is_triggered
from stream_app.planning.when import VisitHours
from stream_app.planning.whether import Standing
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.rules import DAY, Rules

_MONTH = (1 << 30) - 1
_ROUNDS = 20  # of learning rhythms


@dataclass(frozen=True)
class Person:
    """One user of a folder."""

    user_key: str
    row: UserRow
    measures: Measures
    segment: Segment


def people_of(store: Store) -> tuple[list[Person], float]:
    """Everybody but bots, each with a segment, and the newest event time (epoch seconds).

    Raises:
        StateError: the folder holds nobody.
    """
    rows = [(key, row) for _, key, row in store.rows() if not row.merged_into and not row.is_bot]
    rows = [(key, row) for key, row in rows if row.last_at > 0]
    if not rows:
        raise StateError("the folder holds no users: run `stream-app replay` on some events first")
    now = max(row.last_at for _, row in rows)
    scale = RfmScale()
    measured = [
        (key, row, measures_of(row.last_at, float(row.active_days), row.orders.mean * row.orders.count, now))
        for key, row in rows
    ]
    for _, _, measures in measured:
        scale.learn(measures, now)
    people = [
        Person(key, row, measures, segment_of(scale.score(measures))) for key, row, measures in measured
    ]
    return people, now


def describe_segments(people: Sequence[Person]) -> list[dict[str, Any]]:
    """Each segment's size, and the medians that set it apart."""
    found = []
    for segment in SEGMENTS:
        inside = [person.measures for person in people if person.segment == segment]
        recency, active_days, spent = zip(*inside, strict=True) if inside else ((0.0,), (0.0,), (0.0,))
        found.append(
            {
                "segment": segment.value,
                "users": len(inside),
                "share": len(inside) / len(people),
                "days_since_last_visit": -median(recency) / DAY if inside else None,
                "active_days": median(active_days) if inside else None,
                "spent": median(spent) if inside else None,
            }
        )
    return found


def plan_all(
    people: Sequence[Person], now: float, campaign: Campaign, rules: Rules
) -> Iterator[dict[str, Any]]:
    """What the campaign would plan for each user at `now` (epoch seconds); nothing is stored or sent."""
    hours = VisitHours(len(SEGMENTS))
    numbers = np.array([SEGMENT_NUMBER[person.segment] for person in people])
    counts = np.array([person.row.hours for person in people], np.float64)
    for _ in range(_ROUNDS):
        hours.learn(numbers, counts)
    learned = Learned(Chances(len(SEGMENTS), len(campaign.types)), hours)
    for person in people:
        known = _known(person, campaign, now, rules)
        acts = Acts(
            {name: kind.last_at for name, kind in person.row.actions.items()},
            person.row.last_at,
            person.segment,
            person.segment,
        )
        local = known.clock.local(now)
        candidates = [kind for kind in campaign.types if is_triggered(kind, acts, local)]
        decision = decide(campaign, known, candidates, learned, now, f"dry run {now!r}")
        yield _describe(person, known, decision)


def summarise(plans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many were planned by type, and how many got nothing by reason."""
    return {
        "users": len(plans),
        "planned": dict(Counter(plan["type"] for plan in plans if plan["type"] is not None).most_common()),
        "not_planned": dict(Counter(plan["reason"] for plan in plans if plan["type"] is None).most_common()),
    }


def _known(person: Person, campaign: Campaign, now: float, rules: Rules) -> Known:
    row = person.row
    may_market = consent.is_agreed(row.consent, consent.MARKETING, rules.default_consent)
    ends = [session.last_at + rules.session_gap for session in row.open_sessions]
    return Known(
        user_key=person.user_key,
        segment=person.segment,
        standing=Standing(may_market, control_trait=row.control_group),
        clock=clock_of(row.time_zone, campaign.default_time_zone),
        last_at=row.last_at,
        recent_visits=float((row.active_day_bits & _MONTH).bit_count()),
        hours=row.hours,
        state=Notified(),
        in_session_until=max((end for end in ends if end > now), default=0.0),
        items={
            "cart": [{"id": item} for item in row.funnel.cart],
            "viewed": [{"id": item} for item in row.recent_items],
        },
    )


def _describe(person: Person, known: Known, decision: Decision) -> dict[str, Any]:
    planned, weighed = decision.planned, decision.weighed
    return {
        "user_key": person.user_key,
        "segment": person.segment.value,
        "type": None if planned is None else planned.kind,
        "channel": None if planned is None else planned.channel,
        "send_at": None if planned is None else utc(planned.due_at).isoformat(),
        "send_at_local": None if planned is None else known.clock.local(planned.due_at).isoformat(),
        "expires_at": None if planned is None else utc(planned.expires_at).isoformat(),
        "probability_of_opening": None if planned is None else planned.chance,
        "propensity": None if planned is None else planned.propensity,
        "items": [] if planned is None else planned.items,
        "reason": "nothing_came_up" if planned is None and decision.reason is None else decision.reason,
        "turned_away": {name: reason.value for name, reason in decision.turned_away.items()},
        "weighed": {}
        if weighed is None
        else dict(zip(weighed.names, weighed.propensities.tolist(), strict=True)),
    }
