import random
from math import log

import pytest

from stream_app.models.learning import ClassificationModel, Example
from stream_app.models.online.smoothed import SmoothedBayes, SmoothedNeighbours
from stream_app.models.spec import ClassificationSpec
from stream_app.models.tiers import classifiers


def look_alikes(count, seed=0):
    """Six in ten are exactly alike, with labels by the toss of a coin; the others' labels follow from x."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.6:
            yield {"x": 0.0, "y": 0.0}, chance.random() < 0.5
        else:
            x = chance.gauss(0, 1)
            yield {"x": x, "y": chance.gauss(0, 1)}, chance.random() < (0.8 if x > 0 else 0.2)


def test_duplicates_are_answered_by_all_of_them():
    """River's own answered with the oldest one's label: a log loss of 2.07."""
    learner, losses = SmoothedNeighbours(), []
    for n, (x, y) in enumerate(look_alikes(1_000)):
        answer = learner.predict_proba_one(x)
        if n >= 300:
            losses.append(-log(max(answer[y], 1e-6)))
        learner.learn_one(x, y)
    assert sum(losses) / len(losses) < 0.69
    assert learner.predict_proba_one({"x": 0.0, "y": 0.0})[True] == pytest.approx(0.5, abs=0.1)


def test_near_ones_count_more_than_far_ones_and_nothing_is_certain():
    learner = SmoothedNeighbours(n_neighbors=4)
    for x, y in ((0.0, "a"), (0.1, "a"), (5.0, "b"), (6.0, "b")):
        learner.learn_one({"x": x}, y)
    answer = learner.predict_proba_one({"x": 0.05})
    assert sum(answer.values()) == pytest.approx(1.0)
    assert 0.6 < answer["a"] < 1.0
    alone = SmoothedNeighbours()
    alone.learn_one({"x": 1.0}, "a")
    alone.learn_one({"x": 2.0}, "b")
    assert 0.0 < alone.predict_proba_one({"x": 1.0})["b"] < 0.5


def test_a_feature_that_is_constant_within_a_class_speaks_for_it():
    learner, chance = SmoothedBayes(), random.Random(1)
    for _ in range(200):
        learner.learn_one({"flag": 1.0, "x": chance.gauss(0.2, 1)}, "constant")
        learner.learn_one({"flag": chance.gauss(0, 1), "x": chance.gauss(-0.2, 1)}, "varied")
    answer = learner.predict_proba_one({"flag": 1.0, "x": 0.0})
    assert answer["constant"] > 0.6
    assert learner.predict_proba_one({"flag": -0.5, "x": 0.0})["varied"] > 0.9


def test_a_class_of_one_example_can_be_answered_and_is_not_certain():
    learner = SmoothedBayes()
    for _ in range(9):
        learner.learn_one({"x": 0.3}, "often")
    learner.learn_one({"x": 2.0}, "once")
    answer = learner.predict_proba_one({"x": 1.0})
    assert all(0.0 < share < 1.0 for share in answer.values())


@pytest.mark.parametrize("make", [classifiers.nearest_neighbours, classifiers.naive_bayesian])
def test_within_a_model_no_label_is_ruled_out(make):
    model = ClassificationModel(
        ClassificationSpec(name="m", version=1, label_rule="g", learners={"one": make})
    )
    examples = [Example(x | {"constant": 7.0}, y) for x, y in look_alikes(300)]
    answers = model.learn_many(examples)[100:]
    assert min(min(answer.probabilities.values()) for answer in answers) > 0.0
