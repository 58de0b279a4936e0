import random

import numpy as np
import pytest
from scipy.optimize import minimize

from stream_app.models.judging.scores import log_loss
from stream_app.models.online.calibration import Calibrator, fit_scaling


def overconfident(count, seed=0, power=2.5):
    """Answers sharper than the chances by which labels come true."""
    chance = random.Random(seed)
    for _ in range(count):
        weights = [chance.random() + 0.05 for _ in range(3)]
        true = [weight / sum(weights) for weight in weights]
        sharp = [share**power for share in true]
        yield {n: share / sum(sharp) for n, share in enumerate(sharp)}, chance.choices(range(3), true)[0]


def test_the_fit_has_the_highest_penalised_likelihood():
    random_ = np.random.default_rng(0)
    logits = random_.normal(size=(300, 3))
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    truth = random_.integers(0, 3, 300)

    def loss(theta):
        scaled = theta[0] * logs + theta[1:]
        scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return -scaled[np.arange(300), truth].sum() + 10 * np.sum((theta - [1, 0, 0, 0]) ** 2)

    slope, offsets = fit_scaling(logs, truth, pull=20.0)
    best = minimize(loss, [1, 0, 0, 0], tol=1e-9).x
    np.testing.assert_allclose([slope, *offsets], best, atol=1e-4)


def test_answers_sure_of_the_wrong_label_are_fitted_too():
    logs = np.log(np.tile([1e-6, 1 - 1e-6], (500, 1)))
    slope, offsets = fit_scaling(logs, np.zeros(500, dtype=np.int_), pull=1.0)
    scaled = slope * logs[0] + offsets
    assert scaled[0] > scaled[1] + 2


def test_overconfident_answers_are_brought_to_the_chances():
    calibrator = Calibrator()
    before, after = [], []
    for given, label in overconfident(3_000):
        before.append(log_loss(given, label))
        after.append(log_loss(calibrator.apply(given), label))
        calibrator.learn(given, label)
    assert calibrator.in_use
    assert np.mean(after[1_000:]) < np.mean(before[1_000:]) - 0.05
    answer = calibrator.apply({0: 0.8, 1: 0.15, 2: 0.05})
    assert sum(answer.values()) == pytest.approx(1.0)
    expected = np.array([0.8, 0.15, 0.05]) ** (1 / 2.5)
    assert list(answer.values()) == pytest.approx(list(expected / expected.sum()), abs=0.05)


def test_answers_that_are_right_already_are_left_as_they_are():
    uses = 0
    for seed in range(5):
        calibrator = Calibrator()
        for given, label in overconfident(2_000, seed, power=1.0):
            calibrator.learn(given, label)
        uses += calibrator.in_use
    assert uses <= 1


def test_calibration_ends_when_it_does_harm():
    calibrator = Calibrator(every=2_000)
    for given, label in overconfident(3_500):
        calibrator.learn(given, label)
    assert calibrator.in_use
    for given, label in overconfident(4_000, seed=1, power=0.3):
        calibrator.learn(given, label)
        if not calibrator.in_use:
            break
    assert not calibrator.in_use
    given = {0: 0.8, 1: 0.2}
    assert calibrator.apply(given) is given


def test_the_order_of_two_labels_chances_is_kept():
    calibrator = Calibrator()
    for given, label in overconfident(1_000):
        calibrator.learn(given, label)
    chances = [calibrator.apply({0: p / 100, 1: 1 - p / 100})[0] for p in range(1, 100)]
    assert chances == sorted(chances)


def test_a_label_that_nobody_foresaw_is_passed_over():
    calibrator = Calibrator(every=1)
    calibrator.learn({}, 1)
    calibrator.learn({1: 1.0}, 1)
    calibrator.learn({1: 0.6, 2: 0.4}, 3)
    assert calibrator.apply({1: 0.6, 2: 0.4}) == {1: 0.6, 2: 0.4}
