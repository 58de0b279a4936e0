import random

import pytest

from stream_app.models.insight.what_if import values_to_try, what_if
from stream_app.models.learning import ClassificationModel, Example, RegressionModel
from stream_app.models.online.learners import BatchClassifier, BatchRegressor
from stream_app.models.spec import ClassificationSpec, RegressionSpec


class Additive(BatchClassifier):
    """The chance grows with x, falls with y, and is higher for the kind `good`."""

    def learn_one(self, x, y):
        pass

    def predict_proba_many(self, xs):
        chances = [0.3 + 0.05 * x.get("x", 0) - 0.02 * x["y"] + 0.1 * (x.get("kind") == "good") for x in xs]
        return [{True: chance, False: 1 - chance} for chance in chances]


class Doubled(BatchRegressor):
    def learn_one(self, x, y):
        pass

    def predict_many(self, xs):
        return [2 * x["x"] for x in xs]


@pytest.fixture
def model():
    learners = {"additive": lambda _: Additive()}
    spec = ClassificationSpec(name="t", version=1, label_rule="given", learners=learners, minimum_examples=2)
    model = ClassificationModel(spec)
    model.learn_many([Example({"y": 0.0}, True), Example({"y": 0.0}, False)])
    return model


def test_the_score_is_given_as_it_is_and_as_it_would_be(model):
    answer = what_if(model, {"x": 1.0, "y": 5.0}, {"y": 0.0}, {}, label=True)
    assert answer.score == pytest.approx(0.25)
    assert answer.score_after == pytest.approx(0.35)
    assert answer.suggestions == []
    assert what_if(model, {"x": 1.0, "y": 5.0}, {}, {}, label=False).score == pytest.approx(0.75)


def test_changes_are_ranked_by_what_they_gain_after_those_asked_for(model):
    features = {"x": 1.0, "y": 5.0, "kind": "bad"}
    tried = {"x": [0.0, 2.0, 3.0], "y": [9.0, 1.0], "kind": ["bad", "good"], "unheard_of": [1.0]}
    answer = what_if(model, features, {"y": 3.0}, tried, label=True)
    found = [(change.feature, change.before, change.value) for change in answer.suggestions]
    assert found == [("kind", "bad", "good"), ("x", 1.0, 3.0), ("y", 3.0, 1.0)] or found == [
        ("x", 1.0, 3.0),
        ("kind", "bad", "good"),
        ("y", 3.0, 1.0),
    ]
    assert [change.gain for change in answer.suggestions] == pytest.approx([0.1, 0.1, 0.04])
    for change in answer.suggestions:
        assert change.score == pytest.approx(answer.score_after + change.gain)


def test_what_cannot_be_controlled_is_not_suggested(model):
    answer = what_if(model, {"x": 1.0, "y": 5.0}, {}, {"y": [0.0]}, label=True)
    assert [change.feature for change in answer.suggestions] == ["y"]


def test_an_items_score_is_clipped_to_its_range():
    spec = RegressionSpec(
        name="r", version=1, label_rule="given", learners={"doubled": lambda _: Doubled()},
        value_range=(0.0, 100.0), minimum_examples=1,
    )  # fmt: skip
    model = RegressionModel(spec)
    model.learn(Example({"x": 1.0}, 2.0))
    answer = what_if(model, {"x": 10.0}, {"x": 70.0}, {"x": [20.0, 90.0]})
    assert (answer.score, answer.score_after, answer.suggestions) == (20.0, 100.0, [])


def test_a_label_must_be_named(model):
    with pytest.raises(ValueError, match="name the label"):
        what_if(model, {"y": 1.0}, {}, {})


def test_values_to_try_are_those_that_occur():
    chance = random.Random(0)
    examples = [{"x": float(chance.randrange(100)), "kind": "b" if n % 3 else "a"} for n in range(200)]
    examples += [{"x": float("nan")}, {}]
    values = values_to_try(examples, ["x", "kind", "absent"])
    assert values["kind"] == ["b", "a"]
    assert values["absent"] == []
    assert values["x"][0] == 0.0  # and five of those who have any
    assert len(values["x"]) == 6
    assert set(values["x"]) <= {x["x"] for x in examples if "x" in x}
    assert values["x"] == sorted(values["x"])


def test_values_of_the_few_who_have_any_are_tried_too():
    examples = [{"orders": 0.0}] * 99 + [{"orders": 3.0}]
    assert values_to_try(examples, ["orders"])["orders"] == [0.0, 3.0]
