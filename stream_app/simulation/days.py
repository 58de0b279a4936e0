"""The run through the days: people, servers and bots in, arrivals and truths out."""

import heapq
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from stream_app.simulation import truth
from stream_app.simulation.behaviour import SessionSimulator
from stream_app.simulation.bots import draw_crawls
from stream_app.simulation.catalogue import Catalogue, Integers
from stream_app.simulation.courses import Courses
from stream_app.simulation.delivery import Arrival, Delivery
from stream_app.simulation.lifecycle import DayPlan, Lifecycle
from stream_app.simulation.oracle import Market
from stream_app.simulation.population import Population
from stream_app.simulation.server import Mailing, send_notifications, tell_labels, tell_sendings
from stream_app.simulation.settings import DAY_MS, SimulationSettings, uniforms
from stream_app.simulation.visits import Happening, draw_itineraries, draw_starts

# Events of a visit on average: a first guess, until visits have been counted.
EVENTS_PER_VISIT = 12.0
Episode = tuple[int, list[Happening]]


class Simulation:
    """One run; every truth goes to `tell` as soon as it is known."""

    def __init__(self, settings: SimulationSettings, tell: Callable[[truth.Record], None]) -> None:
        self.settings = settings
        self.catalogue = Catalogue(settings)
        self.population = Population(settings, self.catalogue)
        self.courses = Courses(settings, self.population)
        self._tell = tell
        self._lifecycle = Lifecycle(settings, self.population)
        draws = uniforms(settings.generator("sessions"))
        self._sessions = SessionSimulator(self.population, self.catalogue, draws)
        self._visits = self._people_events = self._bot_events = 0

    def run(self) -> Iterator[Arrival]:
        """All arrivals in order; the truth is complete when they are exhausted."""
        self._tell(truth.describe_settings(self.settings))
        self._tell_all(truth.describe_items(self.catalogue))
        self._tell_all(truth.describe_courses(self.courses))
        delivery = Delivery(self.settings)
        for day in range(self.settings.days):
            for arrival in delivery.deliver(self._live_through(day)):
                self._tell_all(truth.describe_flaws(arrival))
                yield arrival
        for arrival in delivery.flush():
            self._tell_all(truth.describe_flaws(arrival))
            yield arrival
        self._tell_all(truth.describe_users(self.settings, self.population, self._lifecycle))

    def _live_through(self, day: int) -> Iterator[Episode]:
        """Everything that begins on a day, in order of its beginning."""
        day_ms = self.settings.start_ms + day * DAY_MS
        self._tell_all(truth.describe_outlook(self.population, self._lifecycle, day))
        plan = self._lifecycle.live_through(day)
        mailing = send_notifications(plan, self.population, day_ms, self.settings.generator("mailing", day))
        self._tell_all(truth.describe_notifications(plan, mailing, self.population))
        bots = draw_crawls(
            self.catalogue, self._due_bot_events(plan), day, self.settings.generator("bots", day)
        )
        labels = tell_labels(self.settings, self.population, day, self.settings.generator("labels", day))
        sendings = tell_sendings(plan, mailing, self.population)
        studies = self.courses.study(plan, day)
        yield from heapq.merge(
            self._visit(plan, mailing, day_ms), sendings, labels, bots, studies, key=_beginning
        )

    def _visit(self, plan: DayPlan, mailing: Mailing, day_ms: int) -> Iterator[Episode]:
        """The day's sessions of people."""
        draw = self.settings.generator("visits", plan.day)
        weekday = self._lifecycle.weekday(plan.day)
        starts = draw_starts(plan, self.population, weekday, day_ms, draw)
        opened = _open_notifications(plan, mailing, starts)
        market = Market(self.catalogue, plan.day)
        for way in draw_itineraries(plan, starts, opened, self.population, market, draw):
            notification = mailing.details[way.notification] if way.notification >= 0 else None
            happenings = self._sessions.play(way, notification)
            self._visits += 1
            self._people_events += len(happenings)
            self._tell(truth.describe_visit(way, happenings, self.catalogue))
            yield way.start_ms, happenings

    def _due_bot_events(self, plan: DayPlan) -> int:
        """Events that bots have to add today so that their share of all is as set."""
        per_visit = self._people_events / self._visits if self._visits else EVENTS_PER_VISIT
        people = self._people_events + per_visit * len(plan.session_user)
        share = self.settings.bot_share
        due = max(round(people * share / (1 - share)) - self._bot_events, 0)
        self._bot_events += due
        return due

    def _tell_all(self, records: Iterator[truth.Record]) -> None:
        for record in records:
            self._tell(record)


def _open_notifications(plan: DayPlan, mailing: Mailing, starts: Integers) -> Integers:
    """Notification that each session starts from, or -1; such sessions' `starts` become its opening."""
    opened = np.full(len(starts), -1)
    first_session = np.flatnonzero(plan.session_rank == 0)
    numbers = np.flatnonzero(plan.is_opened)
    sessions = first_session[np.searchsorted(plan.session_user[first_session], plan.sent_user[numbers])]
    opened[sessions] = numbers
    starts[sessions] = mailing.opened_ms[numbers]
    return opened


def _beginning(episode: tuple[int, Any]) -> int:
    return episode[0]
