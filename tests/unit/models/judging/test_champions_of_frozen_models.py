"""A frozen model is nearly as good as its best member, in whatever order it learned."""

import random
from functools import cache

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

from stream_app.models.content import regressors
from stream_app.models.learning import Example, RegressionModel
from stream_app.models.online.refit import RefitRegressor
from stream_app.models.spec import RegressionSpec

ORDERS = range(20)


@cache
def items():
    """900 items whose value is no line of their features; in every fourth order the stream drifts."""
    chance = random.Random(3)
    made = []
    for _ in range(900):
        x = {"a": chance.uniform(-2, 2), "b": chance.uniform(-2, 2), "c": chance.random()}
        made.append(Example(x, min(max(40 + 12 * x["a"] * x["b"] + 9 * x["a"] + chance.gauss(0, 6), 0), 100)))
    return made


def ordered(order):
    chance = random.Random(order)
    shuffled = chance.sample(items(), len(items()))
    if order % 4 == 3:
        shuffled.sort(key=lambda example: round(example.features["b"]))
    return shuffled


def model():
    learners = {"forest": lambda seed: RefitRegressor(trees=8, seed=seed), "linear": regressors.linear}
    spec = RegressionSpec(
        name="v", version=1, label_rule="g", learners=learners, minimum_examples=100, value_range=(0.0, 100.0)
    )
    return RegressionModel(spec)


@pytest.mark.parametrize("folds", [3, 5, 10])
@pytest.mark.parametrize("order", ORDERS)
def test_a_frozen_model_is_nearly_as_good_as_its_best_member(order, folds):
    examples = ordered(order)
    splits = list(KFold(folds, shuffle=True, random_state=order).split(examples))
    train, test = splits[order % folds]
    learned = model()
    learned.learn_many([examples[place] for place in train])
    learned.refresh()
    xs, truth = zip(*[examples[place] for place in test], strict=True)
    own = r2_score(truth, [answer.value for answer in learned.predict_many(xs)])
    bounded = [learned.bounded(x) for x in xs]
    members = [
        r2_score(truth, np.clip(learner.predict_many(bounded), 0, 100))
        for learner in learned.learners.values()
    ]
    assert own > max(members) - 0.03
