import math
import random

import numpy as np
import pytest
from sklearn import metrics

from stream_app.models.judging.scores import (
    Calibration,
    ClassificationScores,
    PrequentialScores,
    Ranking,
    RegressionScores,
    log_loss,
)


def answers(count=400, seed=0):
    chance = random.Random(seed)
    for _ in range(count):
        raw = [chance.random() ** 3 + 0.001 for _ in range(3)]
        shares = dict(zip((1, 2, 3), (r / sum(raw) for r in raw), strict=True))
        yield chance.choices((1, 2, 3), (8, 2, 1))[0], max(shares, key=shares.get), shares


def sklearn_figures(judged):
    truth, decisions, shares = zip(*judged, strict=True)
    table = [[s[label] for label in (1, 2, 3)] for s in shares]
    return {
        "macro_f1": metrics.f1_score(truth, decisions, average="macro"),
        "weighted_f1": metrics.f1_score(truth, decisions, average="weighted"),
        "accuracy": metrics.accuracy_score(truth, decisions),
        "log_loss": metrics.log_loss(truth, table, labels=[1, 2, 3]),
    }


def test_overall_and_rolling_figures_are_scikit_learns():
    judged = list(answers())
    scores = PrequentialScores(ClassificationScores, window=60)
    for answer in judged:
        scores.update(*answer)
    for span, expected in (("overall", judged), ("rolling", judged[-60:])):
        figures = scores.get()[span]
        assert {name: figures[name] for name in sklearn_figures(expected)} == pytest.approx(
            sklearn_figures(expected)
        )


def test_a_label_that_has_left_the_window_counts_no_longer():
    scores = PrequentialScores(ClassificationScores, window=10)
    scores.update("rare", "common", {"common": 1.0})
    for _ in range(10):
        scores.update("common", "common", {"common": 1.0})
    assert scores.get()["rolling"]["macro_f1"] == 1.0


def test_regression_figures_are_scikit_learns():
    chance = random.Random(3)
    judged = [(value := chance.gauss(50, 20), value + chance.gauss(0, 8)) for _ in range(300)]
    scores = PrequentialScores(RegressionScores, window=50)
    for answer in judged:
        scores.update(*answer)
    for span, part in (("overall", judged), ("rolling", judged[-50:])):
        truth, answer = zip(*part, strict=True)
        assert scores.get()[span]["r2"] == pytest.approx(metrics.r2_score(truth, answer))
        assert scores.get()[span]["mae"] == pytest.approx(metrics.mean_absolute_error(truth, answer))


def test_log_loss_of_an_impossible_label_is_finite():
    assert log_loss({1: 0.25, 2: 0.75}, 2) == pytest.approx(-math.log(0.75))
    assert math.isfinite(log_loss({1: 1.0}, 3))


def test_calibration_error_by_brute_force():
    chance = random.Random(4)
    stated = [(chance.random(), chance.random() < 0.5) for _ in range(500)]
    calibration = Calibration()
    for confidence, came_true in [*stated, (0.3, True)]:
        calibration.update(confidence, came_true)
    calibration.revert(0.3, True)
    confidences, hits = (np.array(part) for part in zip(*stated, strict=True))
    error = 0.0
    for low in range(10):
        inside = (confidences >= low / 10) & (confidences < (low + 1) / 10)
        error += inside.mean() * abs(confidences[inside].mean() - hits[inside].mean())
    assert calibration.get() == pytest.approx(error, abs=1e-5)


def test_one_who_always_says_the_true_chance_is_calibrated():
    calibration = Calibration()
    for n in range(1_000):
        calibration.update(0.7, n % 10 < 7)
    assert calibration.get() == pytest.approx(0.0)


def chances(count=600, seed=6):
    """Rounded to make ties."""
    random_ = random.Random(seed)
    for _ in range(count):
        chance = round(random_.random() ** 2, 2)
        yield random_.random() < chance, chance


def test_the_area_under_the_curve_is_scikit_learns_overall_and_rolling():
    scores = PrequentialScores(ClassificationScores, window=80)
    judged = list(chances())
    for label, chance in judged:
        scores.update(label, chance > 0.5, {True: chance, False: 1 - chance})
    for span, part in (("overall", judged), ("rolling", judged[-80:])):
        labels, given = zip(*part, strict=True)
        figures = scores.get()[span]
        assert figures["roc_auc"] == pytest.approx(metrics.roc_auc_score(labels, given))
        assert figures["brier"] == pytest.approx(2 * metrics.brier_score_loss(labels, given))


def test_the_area_is_a_half_while_one_answer_alone_has_come_true():
    ranking = Ranking()
    assert ranking.get() == 0.5
    ranking.update(0.9, True)
    assert ranking.get() == 0.5
    ranking.update(0.2, False)
    assert ranking.get() == 1.0
    ranking.revert(0.9, True)
    assert ranking.get() == 0.5


def test_the_memory_of_the_area_is_bounded():
    ranking, random_ = Ranking(), random.Random(0)
    for _ in range(60_000):
        ranking.update(random_.random(), random_.random() < 0.5)
    assert len(ranking._yes) + len(ranking._no) < 37_000
    assert ranking.get() == pytest.approx(0.5, abs=0.02)


def test_other_targets_have_no_area_under_the_curve():
    scores = ClassificationScores()
    scores.update(1, 1, {1: 0.7, 2: 0.3})
    assert "roc_auc" not in scores.get()
    assert scores.get()["brier"] == pytest.approx(0.18)
