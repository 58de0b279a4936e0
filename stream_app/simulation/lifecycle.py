"""Visits, orders and departures by day, and the exact probabilities of those to come."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream_app.simulation.catalogue import Floats, Integers
from stream_app.simulation.population import CHANNELS, KINDS, SENDING_HOURS, Population
from stream_app.simulation.settings import DAY_MS, SimulationSettings

CART_DAYS = 3
CART_BOOST = 2.5
MOST_BUY = 0.6
MORE_SESSIONS = 3
_UNIX_EPOCH_WEEKDAY = 3

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Outlook:
    """Probabilities at the start of a day, arrays of (users, horizons).

    `returning` and `buying` know a user's habits and all visits so far, but not whether the user has
    silently left: no observer can do better. `presence` is the probability of not having left that this
    knowledge gives; divide by it for a user who is truly there.
    """

    presence: Floats
    returning: Floats
    buying: Floats


@dataclass(frozen=True)
class DayPlan:
    """What happens on one day: who comes, how often, and with what result.

    Per-session arrays are in the order of `session_user`. A user's notification is `sent_*`; the first
    session of a user with `is_opened` starts from it.
    """

    day: int
    session_user: Integers
    session_rank: Integers
    buys: Booleans
    adds: Booleans
    sent_user: Integers
    sent_hour: Integers
    sent_channel: Integers
    sent_kind: Integers
    is_opened: Booleans


class Lifecycle:
    """State of every user from day to day.

    A day: a present user comes of their own accord (`visit`) or by opening a notification, has
    1 + Binomial(3, more_sessions) sessions, each ends in an order with `buy` (times CART_BOOST while a
    cart is open) or else adds to the cart with `add`; a cart stays open CART_DAYS; at the day's end the
    user leaves for good with `leave`.
    """

    def __init__(self, settings: SimulationSettings, population: Population) -> None:
        self.settings = settings
        self.population = population
        self.is_present = population.joined_on < 0
        self.presence = self.is_present.astype(np.float64)
        self.cart_days = np.zeros(settings.users, dtype=np.int64)
        self.left_on = np.full(settings.users, -1)
        self._opened_if_notified = population.mean_opening()

    def weekday(self, day: int) -> int:
        """Weekday of a simulated day, Monday 0."""
        return (self.settings.start_ms // DAY_MS + day + _UNIX_EPOCH_WEEKDAY) % 7

    def live_through(self, day: int) -> DayPlan:
        """Draw one day and move every user's state to its end."""
        draw = self.settings.generator("lifecycle", day)
        people = self.population
        count = self.settings.users
        joins = people.joined_on == day
        self.is_present |= joins
        self.presence[joins] = 1.0

        own_visit = people.visit[:, self.weekday(day)]
        is_sent = (draw.random(count) < people.notified) & (people.joined_on < day)
        hour = draw.integers(0, len(SENDING_HOURS), count)
        channel = draw.integers(0, len(CHANNELS), count)
        kind = draw.integers(0, len(KINDS), count)
        everyone = np.arange(count)
        opening = (
            people.open_level
            * people.open_hour[everyone, hour]
            * people.open_channel[everyone, channel]
            * people.open_kind[everyone, kind]
        ) * is_sent
        opens = self.is_present & (draw.random(count) < opening)
        visits = (self.is_present & (draw.random(count) < own_visit)) | opens | joins
        sessions = np.where(visits, 1 + draw.binomial(MORE_SESSIONS, people.more_sessions), 0)

        user = np.repeat(everyone, sessions)
        rank = np.arange(len(user)) - np.repeat(np.cumsum(sessions) - sessions, sessions)
        buy = boosted(people.buy, self.cart_days > 0)
        buys = draw.random(len(user)) < buy[user]
        adds = ~buys & (draw.random(len(user)) < people.add[user])

        has_bought = np.bincount(user[buys], minlength=count) > 0
        has_added = np.bincount(user[adds], minlength=count) > 0
        self.cart_days = np.where(has_added, CART_DAYS, np.maximum(self.cart_days - 1, 0))
        self.cart_days[has_bought] = 0
        self._observe(visits, own_visit, opening)
        leaves = self.is_present & (draw.random(count) < people.leave)
        self.left_on[leaves] = day
        self.is_present &= ~leaves

        sent = np.flatnonzero(is_sent)
        return DayPlan(
            day,
            user,
            rank,
            buys,
            adds,
            sent,
            SENDING_HOURS[hour[sent]],
            channel[sent],
            kind[sent],
            opens[sent],
        )

    def _observe(self, visits: Booleans, own_visit: Floats, opening: Floats) -> None:
        """Bayes' rule: a day without a visit speaks for having left; then the day's end may take some."""
        silent_though_present = self.presence * (1 - own_visit) * (1 - opening)
        gone = 1 - self.presence
        total = silent_though_present + gone
        silent = np.divide(silent_though_present, total, out=np.zeros_like(total), where=total > 0)
        self.presence = np.where(visits, 1.0, silent) * (1 - self.population.leave)

    def foresee(self, day: int) -> Outlook:
        """Probabilities of a first return and a first order within each horizon from the start of `day` on.

        Exact, by following the chain of (present, days that the cart stays open) forward.
        """
        people = self.population
        stay = 1 - people.leave
        horizons = self.settings.horizons
        present = np.ones(self.settings.users)
        unbought = np.zeros((CART_DAYS + 1, self.settings.users))
        unbought[self.cart_days, np.arange(self.settings.users)] = 1.0
        returned, bought = np.zeros_like(present), np.zeros_like(present)
        returning, buying = [], []
        by_cart = [
            self._visit_outcomes(boosted(people.buy, np.array(cart > 0))) for cart in range(CART_DAYS + 1)
        ]
        for ahead in range(horizons[-1]):
            own_visit = people.visit[:, self.weekday(day + ahead)]
            visit = 1 - (1 - own_visit) * (1 - people.notified * self._opened_if_notified)
            returned += present * visit
            present = present * (1 - visit) * stay
            later = np.zeros_like(unbought)
            for cart, (buys, adds) in enumerate(by_cart):
                mass = unbought[cart]
                bought += mass * visit * buys
                later[CART_DAYS] += mass * visit * adds * stay
                later[max(cart - 1, 0)] += mass * (1 - visit * (buys + adds)) * stay
            unbought = later
            if ahead + 1 in horizons:
                returning.append(self.presence * returned)
                buying.append(self.presence * bought)
        return Outlook(self.presence.copy(), np.stack(returning, axis=1), np.stack(buying, axis=1))

    def _visit_outcomes(self, buy: Floats) -> tuple[Floats, Floats]:
        """Probabilities, on a visit day, of an order, and of no order but an addition to the cart."""
        more = self.population.more_sessions

        def in_every_session(probability: Floats) -> Floats:
            """Generating function of 1 + Binomial(MORE_SESSIONS, more) sessions."""
            return probability * (1 - more + more * probability) ** MORE_SESSIONS

        without_order = in_every_session(1 - buy)
        with_nothing = in_every_session((1 - buy) * (1 - self.population.add))
        return 1 - without_order, without_order - with_nothing


def boosted(buy: Floats, has_cart: Booleans) -> Floats:
    """Probability that a session ends in an order, given whether a cart is open since a day before."""
    return np.where(has_cart, np.minimum(buy * CART_BOOST, MOST_BUY), buy)
