"""The engagement score of content against a hidden truth."""

import pickle
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.models.content.item_use import DAY_SECONDS, MONTH, Start
from stream_app.models.content.model import LABEL_STARTERS, OWN_STARTERS, ContentModel
from stream_app.models.learning import Example, Status
from stream_app.models.targets import ENGAGEMENT, engagement_model

COURSES, STARTS, DAYS = 250, 9_000, 40
HORIZON = 8 * DAY_SECONDS
Floats = NDArray[np.float64]


class World:
    """Courses whose features decide who completes them, but for a character of their own."""

    def __init__(self, seed: int = 3) -> None:
        draw = np.random.default_rng(seed)
        self.lessons = draw.integers(4, 60, COURSES)
        self.level = draw.integers(0, 3, COURSES)
        logits = -0.05 * (self.lessons - 30) - 0.8 * (self.level == 2) + draw.normal(0, 0.3, COURSES)
        self.truth = 100 / (1 + np.exp(-logits))
        weights = 1 / (1 + draw.permutation(COURSES))
        self.courses = draw.choice(COURSES, STARTS, p=weights / weights.sum())
        self.completes = draw.random(STARTS) < self.truth[self.courses] / 100

    def starts(self, completes: NDArray[np.bool_]) -> list[Start]:
        return [
            Start(
                str(course), number * DAYS * DAY_SECONDS / STARTS + 1, bool(is_completed), 1, False,
                {"lessons": float(self.lessons[course]), "level": f"level {self.level[course]}"},
            )
            for number, (course, is_completed) in enumerate(zip(self.courses, completes, strict=True))
        ]  # fmt: skip


def learned(starts: list[Start], model: ContentModel | None = None) -> ContentModel:
    model = model or engagement_model()
    for start in starts:
        model.learn_starts([start], start.started_at + HORIZON)
    return model


def r2(truth: Floats, answers: Floats) -> float:
    return float(1 - ((truth - answers) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def model(world: World) -> ContentModel:
    return learned(world.starts(world.completes))


def test_scores_are_nearer_to_the_truth_than_what_was_observed_or_expected(
    world: World, model: ContentModel
) -> None:
    scores = model.scores_of(list(model.items.all()))
    truth = world.truth[[int(score.item) for score in scores]]
    told = np.array(
        [(score.score, score.expected, 100 * score.completers / score.starters) for score in scores]
    )
    starters = np.array([score.starters for score in scores])
    few = starters < 15
    assert 60 < few.sum() < len(scores) - 60
    assert r2(truth, told[:, 0]) > 0.8
    for which in (few, ~few):
        score, expected, observed = (r2(truth[which], answers[which]) for answers in told.T)
        assert score > max(observed, expected, 0.6)  # the mean of all items scores 0
    assert r2(truth[few], told[few, 2]) < 0.5
    interval = np.array([score.interval for score in scores]) * 100
    is_inside = (interval[:, 0] <= truth) & (truth <= interval[:, 1])
    assert 0.9 < is_inside.mean() <= 1


def test_the_model_beats_its_baseline_before_it_learns_each_example(model: ContentModel) -> None:
    scores = model.scores()
    assert scores["model"]["overall"]["r2"] > scores["baseline"]["overall"]["r2"] + 0.2
    assert model.status is Status.READY


def test_shuffled_outcomes_bring_it_to_the_mean(world: World) -> None:
    model = learned(world.starts(np.random.default_rng(9).permutation(world.completes)))
    scores = model.scores_of(list(model.items.all()))
    assert np.std([score.score for score in scores]) < world.truth.std() / 3
    figures = model.scores()
    assert figures["model"]["overall"]["r2"] < figures["baseline"]["overall"]["r2"]


def test_labels_come_from_starts_that_their_features_do_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples: list[Example[float]] = []
    model = engagement_model()
    learn_many = model.learn_many

    def noted(given: list[Example[float]], *marks: Any) -> object:
        examples.extend(given)
        return learn_many(given, *marks)

    monkeypatch.setattr(model, "learn_many", noted)
    starts = [
        Start("a", 60.0 * number, number % 4 == 0, 1, False, {}) for number in range(3 * LABEL_STARTERS)
    ]
    learned(starts, model)
    assert [example.label for example in examples] == [30.0, 20.0, 30.0]
    known = [float(example.features["starters_month"]) for example in examples]
    faded = 0.5 ** (HORIZON / MONTH)
    assert known == pytest.approx([0, faded * LABEL_STARTERS, 2 * faded * LABEL_STARTERS], rel=0.001)


def test_a_model_that_was_stored_and_read_goes_on_alike(world: World) -> None:
    starts = world.starts(world.completes)[:3_000]
    through = learned(starts)
    half = pickle.loads(pickle.dumps(learned(starts[:1_234])))
    half.refresh()  # as before each snapshot
    again = learned(starts[1_234:], half)
    items = list(through.items.all())
    for fresh in (through, again):
        fresh.refresh()
    assert again.scores_of(items) == through.scores_of(items)
    assert again.scores() == through.scores()


def test_before_it_is_warm_the_mean_of_all_starters_answers() -> None:
    starts = [Start("a", 60.0 * number, number % 5 == 0, 1, False, {}) for number in range(50)]
    model = learned([*starts, Start("b", 4_000, True, 1, False, {})])
    few, many = model.scores_of(["b", "a"])
    assert few.status is Status.WARMING_UP
    assert few.expected == many.expected == pytest.approx(100 * 11 / 51)
    assert few.expected < few.score < 30
    assert [reason.feature for reason in few.reasons] == [OWN_STARTERS]
    assert few.reasons[0].contribution == pytest.approx(few.score - few.expected)
    assert model.scores_of(["never started"]) == []


def test_what_changed_is_told_once() -> None:
    starts = [Start(str(number % 5), 60.0 * number, False, 1, False, {}) for number in range(50)]
    model = learned(starts)
    assert {score.item for score in model.pop_changed()} == set("01234")
    assert model.pop_changed() == []
    learned([Start("3", 4_000, False, 1, False, {})], model)
    assert [score.item for score in model.pop_changed()] == ["3"]
    learned([Start("new", 5_000 + number, True, 1, False, {}) for number in range(60)], model)
    assert {score.item for score in model.pop_changed()} == {*"01234", "new"}  # the mean has moved for all


def test_items_are_bounded() -> None:
    model = ContentModel(ENGAGEMENT, most_items=3)
    learned([Start(str(number), number, True, 1, False, {}) for number in range(10)], model)
    assert list(model.items.all()) == ["7", "8", "9"]


def test_the_mean_of_reasons_is_the_score(model: ContentModel) -> None:
    item = Random(1).choice(list(model.items.all()))
    [score] = model.scores_of([item], most_reasons=50)
    mean = score.score - sum(reason.contribution for reason in score.reasons)
    use = model.items.get(item)
    assert use is not None
    sample_mean = model.champion.predict_many([use.features(model.newest_at)])[0] - sum(
        model.champion.contributions_many([use.features(model.newest_at)])[0].values()
    )
    assert mean == pytest.approx(sample_mean)
