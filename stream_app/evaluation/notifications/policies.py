"""The policies that a closed loop compares: each proposes one notification a day and person, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stream_app.evaluation.notifications.people import Life, Town
from stream_app.features.notified import Planned
from stream_app.models.notifications.chances import Chances
from stream_app.planning.campaigns import Campaign, NotificationType
from stream_app.planning.decision import Weighed, decide
from stream_app.planning.keyed import keyed_share
from stream_app.planning.limits import Limits
from stream_app.planning.occasion import Known, Learned
from stream_app.planning.segments import SEGMENT_NUMBER, SEGMENTS, Segment
from stream_app.planning.when import VisitHours
from stream_app.planning.whether import OPT_OUT_PRICE

Floats = NDArray[np.float64]
Moments = Mapping[str, Mapping[float, int]]


@dataclass
class Proposal:
    """A plan for one person, and what the policy weighed, where it did."""

    user: int
    planned: Planned
    hour: int
    weighed: Weighed | None = None


@dataclass
class Told:
    """What a policy is told of one of its notifications."""

    proposal: Proposal
    segment: Segment
    opened: bool
    dismissed: bool
    opted_out: bool


class Asked(NamedTuple):
    """What a policy is asked: a person, what is known of them, the types that came up, and the time.

    `cause` names the question, for what is left to chance.
    """

    user: int
    known: Known
    candidates: Sequence[NotificationType]
    now: float
    cause: str


class Policy(Protocol):
    """Proposes, and may learn from what became of it."""

    def propose(self, asked: Asked, /) -> Proposal | None:
        """A plan for a person this morning, or None."""

    def learn(self, told: Sequence[Told], /) -> None:
        """Take in what became of a day's notifications."""

    def see_visits(self, life: Life, segments: Sequence[Segment], /) -> None:
        """Look at who came when, once a day has passed."""


class Ours:
    """The product's own decision."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.learned = Learned(Chances(len(SEGMENTS), len(campaign.types)), VisitHours(len(SEGMENTS)))

    def propose(self, asked: Asked, /) -> Proposal | None:
        """What the planner decides."""
        user, known, candidates, now, cause = asked
        decision = decide(self.campaign, known, candidates, self.learned, now, cause)
        if decision.planned is None or decision.weighed is None:
            return None
        hour = known.clock.local(decision.planned.due_at).hour
        return Proposal(user, decision.planned, hour, decision.weighed)

    def learn(self, told: Sequence[Told], /) -> None:
        """Teach the models of chances."""
        chances = self.learned.chances
        for each in told:
            weighed = each.proposal.weighed
            if weighed is None:
                continue
            columns, values = chances.layout.example(
                weighed.occasion, weighed.place, int(weighed.hours[weighed.place])
            )
            chances.learn(columns, values, opened=each.opened, dismissed=each.dismissed, left=each.opted_out)

    def see_visits(self, life: Life, segments: Sequence[Segment], /) -> None:
        """Learn when the people of each segment come."""
        numbers = np.array([SEGMENT_NUMBER[segment] for segment in segments])
        self.learned.visit_hours.learn(numbers, life.visit_hours)


class Random:
    """A random eligible type at a random hour that is allowed."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign

    def propose(self, asked: Asked, /) -> Proposal | None:
        """A random type, at an hour that those who inherit choose otherwise."""
        known, now, cause = asked.known, asked.now, asked.cause
        moments = _moments(self.campaign, asked)
        if not moments:
            return None
        names = sorted(moments)
        name = names[int(keyed_share("type", known.user_key, cause) * len(names))]
        at, hour = self._moment(asked, list(moments[name].items()))
        return Proposal(asked.user, _plan(self.campaign, name, now, at, f"{known.user_key}/{cause}"), hour)

    def learn(self, _told: Sequence[Told], /) -> None:
        """Nothing, by default."""

    def see_visits(self, _life: Life, _segments: Sequence[Segment], /) -> None:
        """Nothing, by default."""

    def _moment(self, asked: Asked, moments: Sequence[tuple[float, int]]) -> tuple[float, int]:
        return moments[int(keyed_share("hour", asked.known.user_key, asked.cause) * len(moments))]


class ByTable(Random):
    """The table of segments and types with its weekly frequency, at the hour at which the user comes most."""

    def _moment(self, asked: Asked, moments: Sequence[tuple[float, int]]) -> tuple[float, int]:
        return _nearest(moments, int(np.argmax(asked.known.hours)))


class BestHour(Random):
    """The hour at which the user opened most; for who opened nothing, the hour popular with everybody."""

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(campaign)
        self._opened: dict[int, Floats] = {}
        self._popular: Floats = np.zeros(24)
        self._visited: Floats = np.zeros(24)

    def learn(self, told: Sequence[Told], /) -> None:
        """Count openings by hour."""
        for each in told:
            if each.opened:
                self._opened.setdefault(each.proposal.user, np.zeros(24))[each.proposal.hour] += 1
                self._popular[each.proposal.hour] += 1

    def see_visits(self, life: Life, _segments: Sequence[Segment], /) -> None:
        """Until something was opened, the hour at which most people come is popular."""
        self._visited = life.visit_hours.sum(axis=0)

    def _moment(self, asked: Asked, moments: Sequence[tuple[float, int]]) -> tuple[float, int]:
        popular = self._popular if self._popular.any() else self._visited
        return _nearest(moments, int(np.argmax(self._opened.get(asked.user, popular))))


class Oracle:
    """Knows every hidden habit; weighs an opening against losing the user and tiring them.

    It chooses the type and hour with the highest chance of an opening less what the notification is expected
    to cost: opting out (and the openings that are then lost), and the openings that tiredness takes from the
    notifications to come.
    """

    def __init__(self, campaign: Campaign, town: Town, life: Life, days: int) -> None:
        self.campaign = campaign
        self._town, self._life, self._days_left = town, life, days

    def propose(self, asked: Asked, /) -> Proposal | None:
        """The best type at the best hour, if it is worth it."""
        user, known, _, now, cause = asked
        moments = _moments(self.campaign, asked)
        if not moments:
            return None
        pairs = [(name, at, hour) for name, found in moments.items() for at, hour in found.items()]
        kinds = np.array([self.campaign.numbers[name] for name, _, _ in pairs])
        hours = np.array([hour for _, _, hour in pairs])
        who = np.full(len(pairs), user)
        responses, life = self._town.responses, self._life
        weekend, condition = life.weekend(), life.condition
        interest = np.full(len(pairs), life.interest(np.array([user]))[0])
        opening = responses.opening(who, kinds, hours, weekend, condition, interest)
        leaving = (1 - opening) * responses.leaving(who, kinds, hours, weekend, condition)
        best_opening = float(opening.max())
        per_week = self.campaign.channels[0].caps.of_week(known.segment) or 1
        to_come = self._days_left / 7 * per_week * best_opening
        strengths = responses.strengths
        fading = exp(-7 / per_week / strengths.recovery_days)
        tired = strengths.tiring * best_opening * (1 - best_opening) * fading / (1 - fading)
        to_come_again = min(1.0, self._days_left * per_week / 7)
        worth = opening - (OPT_OUT_PRICE + to_come) * leaving - tired * to_come_again * (1 - 0.5 * opening)
        best = int(worth.argmax())
        if worth[best] <= 0:
            return None
        name, at, hour = pairs[best]
        return Proposal(user, _plan(self.campaign, name, now, at, f"{known.user_key}/{cause}"), hour)

    def learn(self, _told: Sequence[Told], /) -> None:
        """It knows already."""

    def see_visits(self, _life: Life, _segments: Sequence[Segment], /) -> None:
        """A day fewer is to come."""
        self._days_left -= 1


def _moments(campaign: Campaign, asked: Asked) -> Moments:
    known = asked.known
    limits = Limits(campaign, known.user_key, known.segment, known.state.sent, known.clock)
    found = {kind.name: limits.moments(kind, asked.now)[0] for kind in asked.candidates}
    return {name: moments for name, moments in found.items() if moments}


def _nearest(moments: Sequence[tuple[float, int]], hour: int) -> tuple[float, int]:
    """The moment nearest to an hour around the clock; the earlier of two."""
    return min(moments, key=lambda moment: min(abs(moment[1] - hour), 24 - abs(moment[1] - hour)))


def _plan(campaign: Campaign, name: str, now: float, at: float, made_id: str) -> Planned:
    kind = campaign.by_name[name]
    return Planned(made_id, name, kind.channel, now, at, now + kind.valid_for, 0.0, 1.0)
