"""The people of a closed loop: their days, what can be seen of them, and how they answer.

What chance decides is drawn by day and person from streams of their own, so that every policy meets the same
people with the same luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from stream_app.planning.campaigns import Campaign
from stream_app.planning.local_time import LocalClock
from stream_app.planning.rfm import RfmScale
from stream_app.planning.segments import RfmScores
from stream_app.simulation.catalogue import CATEGORIES, Catalogue
from stream_app.simulation.devices import COUNTRIES
from stream_app.simulation.population import HOUR_PROFILES, Population
from stream_app.simulation.responses import Condition, Responses
from stream_app.simulation.settings import SimulationSettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

HISTORY_DAYS = 60
DAY = 86_400.0
LEAVING_SCALE = 0.3  # of the population's leaving: here people come back
CART_DAYS = 3
SESSION = 1_800.0
NO_CONSENT, WITHDRAWING, HAS_TRAIT = 0.08, 0.05, 0.02
_MONTH_DECAY = float(np.exp(-1 / 30))


class Town:
    """The people of one seed, with what never changes whoever notifies them."""

    def __init__(self, settings: SimulationSettings, campaign: Campaign) -> None:
        self.settings = settings
        self.people = settings.users
        self.kinds = campaign.types
        self.population = Population(settings, Catalogue(settings))
        self.has_items = np.array([kind.items is not None for kind in self.kinds])
        self.responses = Responses(self.population, len(self.kinds), self.has_items)
        self.clocks = [LocalClock(ZoneInfo(country.time_zone)) for country in COUNTRIES]
        self.user_keys = [self.population.user_id(user) for user in range(self.people)]
        self.first_day = settings.start.date()
        draw = settings.generator("consent")
        luck = draw.random(self.people)
        # When consent ends, in days from the start; never for most, from the start for some.
        self.consent_until = np.where(
            luck < NO_CONSENT,
            0.0,
            np.where(luck < NO_CONSENT + WITHDRAWING, draw.uniform(0, settings.days, self.people), np.inf),
        )
        self.traits = np.where(draw.random(self.people) < HAS_TRAIT, "control", "")

    def midnights(self, day: int) -> Floats:
        """When a day begins on everybody's own clock (people,), in epoch seconds."""
        on = self.date(day)
        starts = [
            datetime(on.year, on.month, on.day, tzinfo=ZoneInfo(country.time_zone)).timestamp()
            for country in COUNTRIES
        ]
        return np.array(starts)[self.population.country]

    def date(self, day: int) -> date:
        """The calendar day."""
        return self.first_day + timedelta(days=day)

    def clock(self, user: int) -> LocalClock:
        """A person's clock."""
        return self.clocks[int(self.population.country[user])]


@dataclass(frozen=True)
class Sends:
    """Notifications of one day: arrays of (n,); at most one a person."""

    who: Integers
    kinds: Integers
    hours: Integers
    at: Floats


@dataclass(frozen=True)
class Answers:
    """What became of a day's notifications: arrays of (n,)."""

    chance: Floats
    opened: Booleans
    dismissed: Booleans
    opted_out: Booleans


class Life:
    """One course of events: a town under one policy.

    Attributes:
        visit_hours, views, last_at, recent_visits, uses, spent: what a tracker sees of each person.
        visit_at: when each person comes today of their own accord, NaN for not (people,).
        bought_at: when they then buy, NaN for not (people,).
        cart_until: the last day on which each person's cart is open.
        offered: the category of which items are offered today (people,).
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        people = town.people
        self.condition = Condition(people, len(town.kinds))
        self.visit_hours: Floats = np.zeros((people, 24))
        self.views: Floats = np.zeros((people, len(CATEGORIES)))
        self.uses: Floats = np.zeros(people)
        self.spent: Floats = np.zeros(people)
        self.recent_visits: Floats = np.zeros(people)
        self.cart_until = np.full(people, -(10**6))
        self.opted_out: Booleans = np.zeros(people, np.bool_)
        self.momentum: Floats = np.zeros(people)
        self.returns = 0
        self.purchases = 0
        self._scale = RfmScale()
        self._day = -HISTORY_DAYS
        self.midnights = town.midnights(self._day)
        # Everybody has come once, if not lately.
        self.last_at: Floats = self.midnights - DAY * town.settings.generator("first").uniform(0, 60, people)
        for _ in range(HISTORY_DAYS):
            self.begin_day()
            self.end_day()
        self.returns = self.purchases = 0

    def begin_day(self) -> None:
        """Have people come of their own accord, each at their hour of the day."""
        town, people = self.town, self.town.population
        draw = town.settings.generator("days", self._day + HISTORY_DAYS)
        count = town.people
        self.midnights = town.midnights(self._day)
        weekday = town.date(self._day).weekday()
        comes, leaves, buys, adds = draw.random((4, count))
        habit = people.visit[:, weekday]
        odds = habit / (1 - habit) * np.exp(town.responses.strengths.momentum * self.momentum)
        self.is_coming = ~self.condition.is_away & (comes < odds / (1 + odds))
        self.condition.is_away |= leaves < LEAVING_SCALE * people.leave
        hours = HOUR_PROFILES[:, int(weekday >= 5)].cumsum(axis=1)[people.rhythm]
        hour = (hours < draw.random((count, 1))).sum(axis=1).clip(0, 23)
        self._hour, self._minute = hour, draw.random(count)
        self.visit_at = np.where(self.is_coming, self.midnights + 3600 * (hour + self._minute), np.nan)
        has_cart = self.cart_until >= self._day
        buy = np.minimum(people.buy * np.where(has_cart, 2.5, 1.0), 0.6)
        self._would_buy, self._would_add = buys < buy, adds < people.add
        self.bought_at = np.where(self._would_buy, self.visit_at + SESSION / 2, np.nan)
        self._viewed = self._draw_categories(people.category_affinity, draw)
        self.offered = self._draw_categories(self._shares(), draw)
        self._bargains = draw.random((3, count))

    def end_day(self, sends: Sends | None = None) -> Answers | None:
        """Have people answer the day's notifications, and the day pass."""
        answers = None
        visiting = self.is_coming.copy()
        if sends is not None and len(sends.who):
            answers = self._answer(sends)
            opened = sends.who[answers.opened]
            visiting[opened] = True
            back = opened[self.condition.is_away[opened]]
            stays = self._bargains[2, back] < self.town.responses.strengths.winning_back
            self.condition.is_away[back[stays]] = False
            self.momentum[opened] = 1.0
            at = sends.at[answers.opened] + 600
            newer = at > np.nan_to_num(self.visit_at[opened])
            self.visit_at[opened[newer]] = at[newer]
            self._hour[opened[newer]] = sends.hours[answers.opened][newer]
            self.opted_out[sends.who[answers.opted_out]] = True
            self.condition.note(sends.who, sends.kinds, answers.opened)
        self._pass(np.flatnonzero(visiting))
        return answers

    def interest(self, who: Integers) -> Floats:
        """How much more than chance each person likes what is offered today: a log, hidden."""
        affinity = self.town.population.category_affinity[who, self.offered[who]]
        interest: Floats = np.clip(np.log(affinity * len(CATEGORIES) + 0.05), -2.0, 2.0)
        return interest

    def relevance(self, user: int) -> float:
        """The same as far as it shows in what the person looked at."""
        share = self._shares_of(user)[self.offered[user]]
        return float(np.clip(np.log(share * len(CATEGORIES)), -2.0, 2.0))

    def may_market(self, at_day: float, user: int) -> bool:
        """Whether a person agrees to marketing at a time in days from the start."""
        return bool(at_day < self.town.consent_until[user])

    def weekend(self) -> int:
        """1 on Saturdays and Sundays."""
        return int(self.town.date(self._day).weekday() >= 5)

    def has_cart(self, user: int) -> bool:
        """Whether a person's cart has been left open."""
        return bool(self.cart_until[user] >= self._day)

    def scores(self) -> Sequence[RfmScores]:
        """Everybody's scores this morning."""
        recency = np.minimum(0.0, self.last_at - self.midnights)
        measures = list(zip(recency.tolist(), self.uses.tolist(), self.spent.tolist(), strict=True))
        at = float(self.midnights.min())
        for each in measures:
            self._scale.learn(each, at)
        return [self._scale.score(each) for each in measures]

    def _answer(self, sends: Sends) -> Answers:
        responses, weekend = self.town.responses, self.weekend()
        who, kinds, hours = sends.who, sends.kinds, sends.hours
        draw = self.town.settings.generator("answers", self._day + HISTORY_DAYS)
        opens, leaves, dismisses = draw.random((3, self.town.people))
        chance = responses.opening(who, kinds, hours, weekend, self.condition, self.interest(who))
        opened = opens[who] < chance
        opted_out = ~opened & (leaves[who] < responses.leaving(who, kinds, hours, weekend, self.condition))
        dismissed = ~opened & (
            dismisses[who] < responses.dismissing(who, kinds, hours, weekend, self.condition)
        )
        return Answers(chance, opened, dismissed, opted_out)

    def _pass(self, visiting: Integers) -> None:
        self.visit_hours *= 0.99
        self.recent_visits *= _MONTH_DECAY
        self.visit_hours[visiting, self._hour[visiting]] += 1
        self.views[visiting, self._viewed[visiting]] += 1
        self.uses[visiting] += 1
        self.recent_visits[visiting] += 1
        self.last_at[visiting] = np.maximum(self.last_at[visiting], self.visit_at[visiting])
        lift = np.exp(self.town.responses.strengths.buying * self.momentum[visiting])
        buys = self._would_buy[visiting] | (self._bargains[0, visiting] < 0.02 * (lift - 1))
        self.spent[visiting[buys]] += 40 + 60 * self._bargains[1, visiting[buys]]
        self.cart_until[visiting[buys]] = -(10**6)
        adds = ~buys & self._would_add[visiting]
        self.cart_until[visiting[adds]] = self._day + CART_DAYS
        self.returns += len(visiting)
        self.purchases += int(buys.sum())
        self.momentum *= 0.6
        self.condition.recover(self.town.responses.strengths)
        self._day += 1

    def _shares(self) -> Floats:
        shares: Floats = (self.views + 0.5) / (self.views + 0.5).sum(axis=1, keepdims=True)
        return shares

    def _shares_of(self, user: int) -> Floats:
        views: Floats = self.views[user] + 0.5
        shares: Floats = views / views.sum()
        return shares

    @staticmethod
    def _draw_categories(shares: Floats, draw: np.random.Generator) -> Integers:
        bounds = shares.cumsum(axis=1)
        drawn: Integers = (bounds < draw.random((len(shares), 1))).sum(axis=1).clip(0, shares.shape[1] - 1)
        return drawn
