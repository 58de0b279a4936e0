import random

import pytest

from stream_app.models.judging.baselines import ClassFrequencies
from stream_app.models.online.learners import BatchClassifier
from stream_app.models.online.vote import Vote


class Sure(BatchClassifier):
    """Always as sure of one label; notes what it sees."""

    def __init__(self, label):
        self.label = label
        self.seen = []

    def learn_one(self, x, y):  # noqa: ARG002
        self.seen.append(dict(x))

    def predict_proba_many(self, xs):
        return [{label: 0.8 if label == self.label else 0.2 for label in (0, 1)} for _ in xs]


def vote(**settings):
    return Vote({"zero": Sure(0), "one": Sure(1)}, **settings)


def test_the_member_that_is_right_more_often_weighs_more():
    chance, learner = random.Random(0), vote()
    for _ in range(200):
        learner.learn_one({"x": 1.0}, int(chance.random() < 0.1))
        learner.learn_one({"x": 1.0}, 0)
    weights = learner.weights
    assert sum(weights.values()) == pytest.approx(1.0)
    answer = learner.predict_proba_one({"x": 1.0})
    assert answer[0] == pytest.approx(0.8 * weights["zero"] + 0.2 * weights["one"])


def test_a_label_counts_alike_however_rare():
    chance, learner = random.Random(1), vote(fade=1.0)
    for _ in range(2_000):
        learner.learn_one({}, int(chance.random() < 0.05))
    assert learner._losses["zero"] == pytest.approx(learner._losses["one"], rel=0.2)


def test_answering_while_learning_is_answering_before_each_is_learned():
    examples = [({"x": float(n % 3)}, int(n % 3 == 0)) for n in range(60)]
    one_by_one, at_once = vote(), vote()
    answers = []
    for x, y in examples:
        answers.append(one_by_one.predict_proba_one(x))
        one_by_one.learn_one(x, y)
    assert at_once.predict_then_learn([x for x, _ in examples], [y for _, y in examples]) == answers
    assert at_once.weights == one_by_one.weights


def test_members_see_what_the_vote_sees():
    learner = vote(sees=("trait_*", "pages"))
    learner.learn_one({"trait_age": 3.0, "pages": 2.0, "events_5m": 9.0}, 1)
    assert learner.members["one"].seen == [{"trait_age": 3.0, "pages": 2.0}]


def test_before_anything_is_learned_it_answers_nothing():
    assert Vote({"shares": ClassFrequencies()}).predict_proba_one({"x": 1.0}) == {}
