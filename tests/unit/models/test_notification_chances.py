import numpy as np
import pytest

from stream_app.models.notifications.chances import OF_HOUR, OF_KIND, SHARED, Chances, Occasion
from stream_app.models.notifications.logistic import BLOCK, BlockLogistic, sigmoid


def test_it_finds_the_weights_that_the_labels_come_from() -> None:
    draw, truth = np.random.default_rng(1), np.array([-1.0, 0.8, -0.5])
    model = BlockLogistic(np.zeros(3), np.full(3, 2.0), memory=1.0)
    for _ in range(60 * BLOCK):
        values = np.array([1.0, *draw.normal(size=2)])
        model.learn([0, 1, 2], values, float(draw.random() < sigmoid(values @ truth)))
    assert model.weights == pytest.approx(truth, abs=0.12)


def test_what_was_never_seen_keeps_its_prior() -> None:
    model = BlockLogistic(np.array([0.0, 0.7]), np.ones(2))
    for number in range(4 * BLOCK):
        model.learn([0], [1.0], float(number % 2))
    assert model.weights[1] == pytest.approx(0.7)


def test_one_sort_of_answer_does_not_run_away() -> None:
    model = BlockLogistic(np.zeros(1), np.ones(1))
    for _ in range(50 * BLOCK):
        model.learn([0], [1.0], 1.0)
    assert np.isfinite(model.weights).all()
    assert 2 < model.weights[0] < 20


def occasion(kinds: list[int], hours: list[int]) -> Occasion:
    draw = np.random.default_rng(2)
    return Occasion(
        segment=1,
        shared=draw.normal(size=len(SHARED)),
        kinds=np.array(kinds),
        of_kind=draw.normal(size=(len(kinds), len(OF_KIND))),
        hours=np.array(hours),
        of_hour=draw.normal(size=(len(hours), len(OF_HOUR))),
    )


def test_an_example_has_the_logit_that_was_foreseen() -> None:
    chances = Chances(segments=3, kinds=5)
    chances.opening.weights += np.random.default_rng(3).normal(size=len(chances.opening.weights))
    asked = occasion([4, 0, 2], [8, 23])
    opening, _ = chances.foresee(asked)
    for kind in range(3):
        for hour in range(2):
            columns, values = chances.layout.example(asked, kind, hour)
            assert sigmoid(np.array(chances.opening.logit(columns, values))) == pytest.approx(
                opening[kind, hour]
            )
            assert len(set(columns.tolist())) == len(columns)
            assert columns.max() < chances.layout.size


def test_a_type_that_drives_people_away_is_known_for_it() -> None:
    chances, asked = Chances(segments=3, kinds=5), occasion([0, 1], [12])
    for number in range(4_000):
        kind = number % 2
        columns, values = chances.layout.example(asked, kind, 0)
        left = kind == 1 and number % 20 == 1
        chances.learn(columns, values, opened=number % 4 == 0, dismissed=kind == 1, left=left)
    _, opt_outs = chances.foresee(asked)
    assert opt_outs[1, 0] > 3 * opt_outs[0, 0]
