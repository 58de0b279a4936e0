import random

import pytest

from stream_app.models.judging.evaluation import evaluate_engagement, evaluate_tiers
from stream_app.models.judging.example_table import ExampleTable
from stream_app.models.learning import ClassificationModel, Example, RegressionModel
from stream_app.models.online.refit import RefitClassifier, RefitRegressor
from stream_app.models.spec import ClassificationSpec, RegressionSpec


def tier_model(seed):
    def forest(seed):
        return RefitClassifier(
            ranking_rounds=4, first=60, growth=3.0, breadths=(1, 2), trees_each=5, seed=seed
        )

    spec = ClassificationSpec(
        name="t", version=1, label_rule="given", learners={"forest": forest}, minimum_examples=40
    )
    return ClassificationModel(spec, seed)


def value_model(seed):
    def forest(seed):
        return RefitRegressor(first=50, trees=5, seed=seed)

    spec = RegressionSpec(
        name="v",
        version=1,
        label_rule="given",
        learners={"forest": forest},
        value_range=(0.0, 100.0),
        minimum_examples=50,
    )
    return RegressionModel(spec, seed)


CHANCE = random.Random(2)
ITEMS = [{"a": CHANCE.random(), "b": CHANCE.random()} for _ in range(160)]
TIERS = [Example(x, 3 if x["a"] > 0.85 else 2 if x["a"] > 0.65 else 1) for x in ITEMS]
VALUES = [Example(x, 100 * x["a"]) for x in ITEMS]


def shuffled(examples):
    labels = [label for _, label in examples]
    random.Random(5).shuffle(labels)
    return [Example(x, label) for (x, _), label in zip(examples, labels, strict=True)]


def test_tiers_that_follow_from_the_features_are_found_in_held_out_folds():
    report = evaluate_tiers(TIERS, folds=2, repeats=1, seed=3, make_model=tier_model)
    assert report["holdout"]["macro_f1"]["mean"] > 0.9
    assert report["holdout"]["weighted_f1"]["mean"] > 0.9
    assert report["holdout"]["macro_f1"]["std"] > 0
    assert report["baselines"]["batch_forest"]["macro_f1"]["mean"] > 0.9
    assert report["baselines"]["majority"]["macro_f1"] == pytest.approx(0.26, abs=0.03)
    assert report["prequential"]["macro_f1"] < report["holdout"]["macro_f1"]["mean"]


def test_shuffled_tiers_are_not_found():
    report = evaluate_tiers(shuffled(TIERS), folds=2, repeats=1, seed=3, make_model=tier_model)
    assert report["holdout"]["macro_f1"]["mean"] < 0.45
    assert report["baselines"]["batch_forest"]["macro_f1"]["mean"] < 0.45


def test_values_are_found_in_held_out_folds_and_in_test_examples():
    for test_examples in (None, ExampleTable(VALUES[120:])):
        report = evaluate_engagement(
            ExampleTable(VALUES[:120]), test_examples, folds=3, make_model=value_model
        )
        assert report["r2"] > 0.8
        assert report["mae"] < 10
        assert report["baselines"]["batch_forest"]["r2"] > 0.9
        assert report["baselines"]["mean"]["r2"] == pytest.approx(0.0, abs=0.1)
        assert report["examples_per_second"] > 0
        assert report["peak_memory_mb"] > 10
        assert report["folds"] == (1 if test_examples else 3)


def test_shuffled_values_are_not_found():
    report = evaluate_engagement(ExampleTable(shuffled(VALUES)), folds=3, make_model=value_model)
    assert report["r2"] < 0.05


def test_an_evaluation_is_repeatable():
    first, second = (
        evaluate_tiers(TIERS[:80], folds=2, repeats=1, seed=1, make_model=tier_model) for _ in range(2)
    )
    assert first == second
