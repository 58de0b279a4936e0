"""Courses with a hidden probability of being completed: drawn as stated, and found again by the stream."""

from collections import Counter

import numpy as np
import pytest

from stream_app.evaluation.examples import replay_history
from stream_app.features.user_row import UserRow
from stream_app.learning.catalogue_features import CatalogueFeatures
from stream_app.learning.content_learner import ContentLearner
from stream_app.models.content.model import ItemScore
from stream_app.models.targets import engagement_model
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.outputs import ItemOutcomes
from stream_app.settings.rules import DAY, Rules
from stream_app.simulation.catalogue import Catalogue
from stream_app.simulation.courses import Courses
from stream_app.simulation.lifecycle import Lifecycle
from stream_app.simulation.population import Population
from stream_app.simulation.settings import DAY_MS, SimulationSettings
from stream_app.simulation.visits import Happening
from stream_app.simulation.writer import simulate
from stream_app.testing import START, track

SETTINGS = SimulationSettings(users=1_300, days=32, items=24, courses=100, seed=4)
RULES = Rules(outlook_interval=400 * DAY, tier_interval=400 * DAY)  # of users nothing is asked here
LAST_START_MS = SETTINGS.start_ms + (SETTINGS.days - 9) * DAY_MS  # what starts later is not told to the end


class Studies:
    """The courses, and all that happens of them, without the rest of a simulation."""

    def __init__(self) -> None:
        population = Population(SETTINGS, Catalogue(SETTINGS))
        lifecycle = Lifecycle(SETTINGS, population)
        self.courses = Courses(SETTINGS, population)
        self.happenings: list[Happening] = []
        for day in range(SETTINGS.days):
            plan = lifecycle.live_through(day)
            self.happenings += [made for _, [made] in self.courses.study(plan, day)]

    def count(self, name: str) -> Counter[str]:
        """Happenings of a name by course, of what started early enough to be told to the end."""
        early = {
            (made.visitor.user, made.detail["course_id"])
            for made in self.happenings
            if made.kind == "Course Started" and made.at_ms < LAST_START_MS
        }
        return Counter(
            made.detail["course_id"]
            for made in self.happenings
            if made.kind == name and (made.visitor.user, made.detail["course_id"]) in early
        )


@pytest.fixture(scope="module")
def studies() -> Studies:
    return Studies()


def test_courses_are_completed_as_often_as_the_truth_says(studies: Studies) -> None:
    started, completed = studies.count("Course Started"), studies.count("Course Completed")
    assert started.total() > 2_500
    deviations = []
    for course, truth in enumerate(studies.courses.completion.tolist()):
        item = studies.courses.item_id(course)
        if started[item] >= 20:
            spread = np.sqrt(truth * (1 - truth) * started[item])
            deviations.append((completed[item] - truth * started[item]) / spread)
    assert len(deviations) > 20
    assert abs(np.mean(deviations)) < 0.5
    assert 0.7 < np.std(deviations) < 1.3
    starts = Counter(
        (made.visitor.user, made.detail["course_id"])
        for made in studies.happenings
        if made.kind == "Course Started"
    )
    assert set(starts.values()) == {1}


def test_scores_of_the_stream_are_nearer_to_the_truth_than_what_was_observed(studies: Studies) -> None:
    scores = _score(studies)
    truth = 100 * studies.courses.completion[[int(score.item[1:]) for score in scores]]
    observed = np.array([100 * score.completers / score.starters for score in scores])
    answers = np.array([score.score for score in scores])
    for name, told in (("Course Started", "starters"), ("Course Completed", "completers")):
        certain = studies.count(name)
        assert all(getattr(score, told) >= certain[score.item] for score in scores)
    few = np.array([score.starters for score in scores]) < 20
    assert few.sum() > 40
    for which in (few, ~few):
        error, error_observed = (((told[which] - truth[which]) ** 2).mean() for told in (answers, observed))
        assert error < min(error_observed, truth[which].var() / 2)
    assert np.corrcoef(answers, truth)[0, 1] > 0.85


def test_a_simulation_tells_of_courses_and_of_none_without_them() -> None:
    small = SimulationSettings(users=20, days=3, items=24, courses=5)
    told = [event for event in simulate(small) if str(event.get("event")).startswith("Course ")]
    assert {event["event"] for event in told} == {"Course Started", "Course Completed"}
    assert {event["properties"]["course_id"] for event in told} <= {f"c000{number}" for number in range(5)}
    assert all(event["userId"] and event["timestamp"] for event in told)
    without = simulate(SimulationSettings(users=20, days=3, items=24))
    assert not any(str(event.get("event")).startswith("Course ") for event in without)


def _score(studies: Studies) -> list[ItemScore]:
    """The scores after all events went through the stream's own core."""
    learner = ContentLearner(engagement_model(), DAY, lambda: 0.0)
    catalogue = CatalogueFeatures()
    for course in range(SETTINGS.courses):
        catalogue.put(CatalogueItem.model_validate(studies.courses.describe(course)))
    rows: dict[str, UserRow] = {}
    values = (
        track(str(made.visitor.user_id), made.at_ms / 1000 - START, made.kind, made.detail)
        for made in studies.happenings
    )
    for result in replay_history(values, rows, RULES):
        told = [output for output in result.outputs if isinstance(output, ItemOutcomes)]
        learner.learn_outcomes([catalogue.complete(outcomes) for outcomes in told])
    learner.refresh()
    return learner.model.scores_of(list(learner.model.items.all()))
