"""However a stream of examples is cut up, stopped and resumed, the model comes out the same."""

import os
import random
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.models import snapshot
from stream_app.models.content import regressors
from stream_app.models.learning import ClassificationModel, Example, RegressionModel
from stream_app.models.online.refit import RefitClassifier, RefitRegressor
from stream_app.models.spec import ClassificationSpec, RegressionSpec
from stream_app.models.tiers import classifiers

KEY = b"key"
AT = datetime(2024, 1, 1, tzinfo=UTC)


def examples(count, seed=0):
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        x = {"a": chance.gauss(0, 1), "b": chance.gauss(5, 2), "kind": chance.choice(["x", "y", "z"])}
        if chance.random() < 0.2:
            del x["b"]
        made.append((x, x["a"] + chance.gauss(0, 0.3)))
    return made


TIERS = [Example(x, 3 if value > 1.2 else 2 if value > 0.5 else 1) for x, value in examples(240)]
VALUES = [Example(x, 50 + 10 * value) for x, value in examples(240)]
PROBES = [x for x, _ in examples(40, seed=1)]


def small_forest(seed):
    return RefitClassifier(ranking_rounds=4, capacity=60, first=20, breadths=(1, 3), trees_each=3, seed=seed)


def tier_model():
    learners = {"forest": small_forest, "vote": classifiers.vote}
    return ClassificationModel(
        ClassificationSpec(name="t", version=1, label_rule="g", learners=learners, minimum_examples=30),
        seed=4,
    )


def value_model():
    learners = {
        "forest": lambda seed: RefitRegressor(capacity=60, first=20, trees=4, seed=seed),
        "linear": regressors.linear,
    }
    return RegressionModel(
        RegressionSpec(
            name="v",
            version=1,
            label_rule="g",
            learners=learners,
            value_range=(0.0, 100.0),
            minimum_examples=30,
        ),
        seed=4,
    )


def state(model):
    """All that can be seen of a model: every learner's answers, its scores and who is champion."""
    answers = {
        name: learner.predict_proba_many(PROBES)
        if isinstance(model, ClassificationModel)
        else learner.predict_many(PROBES)
        for name, learner in model.learners.items()
    }
    return answers, model.predict_many(PROBES), model.scores(), model.contest


CASES = pytest.mark.parametrize(
    ("make", "stream"), [(tier_model, TIERS), (value_model, VALUES)], ids=["tiers", "values"]
)


@pytest.fixture(scope="module")
def unbroken():
    whole = {}
    for make, stream in ((tier_model, TIERS), (value_model, VALUES)):
        model = make()
        whole[make] = (model.learn_many(stream), state(model))
    return whole


@CASES
@settings(deadline=None, max_examples=3)
@given(cuts=st.lists(st.integers(0, 240), max_size=4).map(sorted))
def test_batches_of_any_size_give_the_same_model(unbroken, make, stream, cuts):
    model = make()
    answers = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        answers += model.learn_many(stream[start:stop])
    assert (answers, state(model)) == unbroken[make]


@CASES
@settings(deadline=None, max_examples=3)
@given(stops=st.lists(st.integers(0, 240), min_size=1, max_size=3).map(sorted))
def test_a_model_stopped_and_resumed_is_the_model_never_stopped(unbroken, make, stream, stops):
    model = make()
    start = 0
    for stop in stops:
        model.learn_many(stream[start:stop])
        model, header = snapshot.load(snapshot.dump(model, KEY, stop - 1, AT), KEY)
        start = header.training_offset + 1
        assert model.examples_seen == start
    model.learn_many(stream[start:])
    assert state(model) == unbroken[make][1]


@CASES
def test_answering_changes_nothing(unbroken, make, stream):
    model = make()
    for example in stream:
        model.predict_many(PROBES)
        model.scores()
        model.learn(example)
    assert state(model) == unbroken[make][1]


def test_other_processes_come_to_the_same_model():
    """String hashes differ from process to process; no order that they give may matter."""
    program = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "import test_learning_resumes as t\n"
        "for make, stream in ((t.tier_model, t.TIERS), (t.value_model, t.VALUES)):\n"
        "    model = make(); model.learn_many(stream); print(t.state(model))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program, os.path.dirname(__file__)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0]
    assert outputs[0] == outputs[1]
