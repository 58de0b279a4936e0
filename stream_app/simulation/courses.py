"""Courses that people start and, with a hidden probability of each course, complete."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from stream_app.simulation.catalogue import Floats, Integers
from stream_app.simulation.lifecycle import DayPlan
from stream_app.simulation.population import Population
from stream_app.simulation.settings import DAY_MS, SimulationSettings
from stream_app.simulation.visits import Happening, Visitor

SUBJECTS = ("languages", "statistics", "drawing", "cooking", "programming", "photography")
LEVELS = ("beginner", "intermediate", "advanced")
STARTS_PER_SESSION = 0.35
MEAN_DELAY_MS = 2 * DAY_MS
LEAST_DELAY_MS, MOST_DELAY_MS = DAY_MS // 24, 6 * DAY_MS
OWN_CHARACTER = 0.35  # standard deviation of what no public feature tells, in logits

_CONTEXT: dict[str, Any] = {"library": {"name": "learning-platform"}}


class Courses:
    """All courses of a simulation, and who has started which.

    Attributes:
        completion: hidden probability that somebody who starts a course completes it (courses,).
    """

    def __init__(self, settings: SimulationSettings, population: Population) -> None:
        draw = settings.generator("courses")
        count = settings.courses
        self.settings = settings
        self._population = population
        self.subject = draw.integers(0, len(SUBJECTS), count)
        self.level = draw.integers(0, len(LEVELS), count)
        self.lessons = draw.integers(4, 60, count)
        self.has_exercises = draw.random(count) < 0.5
        self.price = np.round(draw.lognormal(3.0, 0.6, count), 2)
        popularity = 1.0 / (1.0 + draw.permutation(count))
        self._popularity: Floats = popularity.cumsum() / max(popularity.sum(), 1e-12)
        self.completion = self._complete(draw)
        self._started: set[tuple[int, int]] = set()
        self._to_come: dict[int, list[Happening]] = {}

    def item_id(self, course: int) -> str:
        """Identifier on the wire."""
        return f"c{course:04d}"

    def study(self, plan: DayPlan, day: int) -> Iterator[tuple[int, list[Happening]]]:
        """The day's starts and completions as (time in ms, happenings) in order of time."""
        if not self.settings.courses:
            return
        draw = self.settings.generator("studies", day)
        day_ms = self.settings.start_ms + day * DAY_MS
        today = self._to_come.pop(day, [])
        users = plan.session_user[draw.random(len(plan.session_user)) < STARTS_PER_SESSION]
        courses: Integers = np.searchsorted(self._popularity, draw.random(len(users)), side="right")
        starts = day_ms + draw.integers(0, DAY_MS, len(users))
        completes = draw.random(len(users)) < self.completion[courses]
        delays = draw.exponential(MEAN_DELAY_MS, len(users)).clip(LEAST_DELAY_MS, MOST_DELAY_MS)
        columns = (users.tolist(), courses.tolist(), starts.tolist(), completes.tolist(), delays.tolist())
        for user, course, at_ms, does_complete, delay in zip(*columns, strict=True):
            if (user, course) in self._started:
                continue
            self._started.add((user, course))
            today.append(self._happening("Course Started", user, course, at_ms))
            if does_complete:
                completion = self._happening("Course Completed", user, course, at_ms + int(delay))
                ending = (completion.at_ms - self.settings.start_ms) // DAY_MS
                (today if ending == day else self._to_come.setdefault(ending, [])).append(completion)
        for happening in sorted(today, key=lambda happening: happening.at_ms):
            yield happening.at_ms, [happening]

    def describe(self, course: int) -> dict[str, Any]:
        """Public record of a course, as a learning platform would export it."""
        subject, level = SUBJECTS[self.subject[course]], LEVELS[self.level[course]]
        return {
            "item_id": self.item_id(course),
            "kind": "course",
            "title": f"{subject.title()}, {level}, {course}",
            "category": subject,
            "price": float(self.price[course]),
            "attributes": {
                "level": level,
                "lessons": int(self.lessons[course]),
                "exercises": int(self.has_exercises[course]),
            },
        }

    def _complete(self, draw: np.random.Generator) -> Floats:
        """Short courses are completed by more, advanced ones by fewer, unless there are exercises."""
        by_subject = draw.normal(0.0, 0.6, len(SUBJECTS))[self.subject]
        advanced = self.level == 2
        logits = (
            by_subject
            - 0.05 * (self.lessons - 25.0)
            - 1.2 * (advanced & ~self.has_exercises)
            + 0.5 * (self.level == 0)
            + draw.normal(0.0, OWN_CHARACTER, len(self.lessons))
        )
        completion: Floats = 1.0 / (1.0 + np.exp(-logits))
        return completion

    def _happening(self, name: str, user: int, course: int, at_ms: int) -> Happening:
        visitor = Visitor(user, self._population.user_id(user), None, _CONTEXT, at_ms, latency_ms=25)
        detail = {"course_id": self.item_id(course), "category": SUBJECTS[self.subject[course]]}
        return Happening(at_ms, name, visitor, True, detail=detail)
