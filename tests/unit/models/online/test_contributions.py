"""Reasons come from what a learner holds: the same parts as by asking it step by step, without asking."""

import random

import pytest
from river import base, forest

from stream_app.models.features import Features, visible
from stream_app.models.learning import ClassificationModel, Example
from stream_app.models.online import smoothed
from stream_app.models.online.incremental import IncrementalClassifier
from stream_app.models.online.learners import parts_as_known
from stream_app.models.targets import TIER
from stream_app.models.tiers import classifiers

LABELS = (1, 2, 3)


def stumps(seed):
    """A forest whose trees have not split."""
    return IncrementalClassifier(forest.ARFClassifier(n_models=5, seed=seed, grace_period=100_000))


def vote(seed):
    """The vote of tiers, with such a forest."""
    learner = classifiers.vote(seed)
    learner.members = learner.members | {"adaptive_forest": stumps(seed)}
    return learner


LEARNERS = {
    "logistic": classifiers.logistic,
    "naive_bayes": classifiers.naive_bayesian,
    "nearest_neighbours": classifiers.nearest_neighbours,
    "adaptive_forest": stumps,
    "vote": vote,
}


def users(count, features=8, seed=0, values=None):
    """Who differ in numbers and in a category; some features are not known of everyone."""
    chance = random.Random(seed)
    for _ in range(count):
        x = {
            f"trait_{n}": chance.choice(values) if values else chance.gauss(0, 1) + n % 3
            for n in range(features)
            if chance.random() < 0.9
        }
        x["trait_kind"] = chance.choice("abc")
        signal = x.get("trait_0", 0.0) + (x["trait_kind"] == "a")
        yield x, 1 + (signal > 0) + (signal > 1) if chance.random() < 0.9 else chance.choice(LABELS)


def taught(make, count=250, **likeness):
    learner = make(0)
    for x, y in users(count, **likeness):
        learner.learn_one(x, y)
    return learner


def asked(learner, x, label):
    return parts_as_known(x, lambda xs: [answer.get(label, 0.0) for answer in learner.predict_proba_many(xs)])


@pytest.mark.parametrize("values", [None, (0.0, 1.0, 2.0)], ids=["spread", "duplicates"])
@pytest.mark.parametrize("name", LEARNERS)
def test_parts_are_those_of_asking_as_features_become_known(name, values):
    learner = taught(LEARNERS[name], values=values)
    strangers = [x for x, _ in users(20, seed=1)]
    strangers += [{"trait_0": 40.0, "trait_new": 1.0, "trait_kind": "z"}, {"trait_1": float("inf")}, {}]
    strangers += [x for x, _ in users(20, values=values)]
    for label in (*LABELS, 9):
        parts = learner.contributions_many(strangers, [label] * len(strangers))
        for x, found in zip(strangers, parts, strict=True):
            assert found == pytest.approx(asked(learner, x, label), abs=1e-9)


@pytest.mark.parametrize("name", LEARNERS)
def test_nothing_learned_moves_nothing(name):
    assert set(LEARNERS[name](0).contributions_many([{"trait_0": 1.0}], [1])[0].values()) == {0.0}


def test_many_alike_are_explained_as_they_are_answered():
    learner = classifiers.nearest_neighbours(0)
    for n in range(60):
        learner.learn_one({"trait_0": 1.0, "trait_1": float(n % 2)}, 1 + n % 3 % 2)
    x = {"trait_0": 1.0, "trait_1": 1.0}
    assert learner.contributions_many([x], [1])[0] == pytest.approx(asked(learner, x, 1), abs=1e-9)


def test_what_is_learned_later_counts_in_reasons_too():
    learner = taught(vote)
    xs = [x for x, _ in users(5, seed=3)]
    before = learner.contributions_many(xs, [1] * 5)
    for x, _ in users(40, seed=4):
        learner.learn_one(x, 1)
    after = learner.contributions_many(xs, [1] * 5)
    assert before != after
    assert after[0] == pytest.approx(asked(learner, xs[0], 1), abs=1e-9)


def test_a_tree_that_has_grown_is_explained_by_its_path():
    chance = random.Random(0)
    grown = IncrementalClassifier(forest.ARFClassifier(n_models=3, seed=1, grace_period=20, delta=0.5))
    for _ in range(1_500):
        x: Features = {
            "told": chance.uniform(-1, 1),
            "noise": chance.uniform(-1, 1),
            "kind": chance.choice("ab"),
        }
        grown.learn_one(x, "high" if x["told"] > 0 else "low")
    assert any(tree.n_branches for tree in grown.classifier)
    for told, label in ((0.7, "high"), (-0.7, "low")):
        x = {"told": told, "noise": 0.1, "kind": "a"}
        parts = grown.contributions_many([x], [label])[0]
        assert max(parts, key=parts.__getitem__) == "told"
        assert parts["told"] > 0.2
        against = grown.contributions_many([x], ["low" if label == "high" else "high"])[0]
        assert against == pytest.approx({name: -part for name, part in parts.items()})


@pytest.mark.parametrize("champion", TIER.learners)
@pytest.mark.parametrize("features", [4, 60])
def test_reasons_for_a_tier_cost_no_answers_however_many_features_there_are(monkeypatch, champion, features):
    model = ClassificationModel(TIER)
    model.learn_many([Example(x, y) for x, y in users(120, features)])
    model.contest.champion = champion
    model.refresh()
    calls = []

    def counted(owner, name):
        told = getattr(owner, name)

        def ask(*given, **named):
            calls.append(name)
            return told(*given, **named)

        monkeypatch.setattr(owner, name, ask)

    for learner in {type(each) for each in _learners_of(model.champion)}:
        for name in ("predict_proba_one", "predict_proba_many"):
            if hasattr(learner, name):
                counted(learner, name)
    counted(smoothed.SmoothedNeighbours, "chances_on_the_way")
    rows = [x for x, _ in users(10, features, seed=1)]
    assert all(model.explain_many(rows, [1] * 10))
    assert calls.count("chances_on_the_way") <= 2 * len(rows)
    assert set(calls) <= {"chances_on_the_way"}


def _learners_of(learner):
    members = getattr(learner, "members", {}).values()
    inner = [getattr(each, "classifier", None) for each in (learner, *members)]
    return [learner, *members, *(each for each in inner if isinstance(each, base.Classifier))]


def test_what_a_vote_does_not_see_has_no_part():
    learner = taught(classifiers.vote)
    x = {"trait_0": 1.0, "minutes_since_last": 3.0}
    assert visible(x, classifiers.LASTING_FEATURES) == {"trait_0": 1.0}
    assert set(learner.contributions_many([x], [1])[0]) == {"trait_0"}
