"""How good the stream's models are on examples in stream order, compared with baselines and batch forests."""

import resource
import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, mean_absolute_error, r2_score
from sklearn.model_selection import KFold, RepeatedStratifiedKFold

from stream_app.models.features import Label
from stream_app.models.judging.batch import forest_labels, forest_values
from stream_app.models.judging.example_table import ExampleTable
from stream_app.models.learning import ClassificationModel, Example, RegressionModel
from stream_app.models.targets import engagement_model, tier_model

Tiers = Sequence[Example[Label]]


def evaluate_tiers(
    examples: Tiers,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    make_model: Callable[[int], ClassificationModel] = tier_model,
) -> dict[str, Any]:
    """Learn each fold's training part in stream order, freeze, and score its held-out part.

    Folds are stratified by label. "prequential" is one pass over all examples, each judged before it is
    learned.
    """
    labels = [example.label for example in examples]
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    model_f1, forest_f1, majority_f1 = [], [], []
    for train_places, test_places in splitter.split(labels, labels):
        train, test = [examples[i] for i in train_places], [examples[i] for i in test_places]
        seen, unseen = [x for x, _ in train], [x for x, _ in test]
        known, truth = [y for _, y in train], [y for _, y in test]
        model = make_model(seed)
        model.learn_many(train)
        model.refresh()
        model_f1.append(_f1(truth, [prediction.label for prediction in model.predict_many(unseen)]))
        forest_f1.append(_f1(truth, forest_labels(seen, known, unseen, seed)))
        majority_f1.append(_f1(truth, [max(set(known), key=known.count)] * len(truth)))
    whole = make_model(seed)
    whole.learn_many(examples)
    scores = whole.scores()
    return {
        "examples": len(examples),
        "folds": folds,
        "repeats": repeats,
        "seed": seed,
        "holdout": _spread(model_f1),
        "prequential": scores["model"]["overall"],
        "prequential_baseline": scores["baseline"]["overall"],
        "champion": whole.contest.champion,
        "baselines": {
            "majority": {name: figure["mean"] for name, figure in _spread(majority_f1).items()},
            "batch_forest": _spread(forest_f1),
        },
    }


def evaluate_engagement(
    examples: ExampleTable,
    test_examples: ExampleTable | None = None,
    folds: int = 5,
    seed: int = 0,
    make_model: Callable[[int], RegressionModel] = engagement_model,
) -> dict[str, Any]:
    """Learn the examples once, in order, and score the frozen model on test examples or on held-out folds.

    Figures are means over folds. Speed includes scoring, learning and refits; memory (MB) is the process's
    peak after the last model has learned, before any batch forest is fitted.
    """
    if test_examples is not None:
        parts = [(np.arange(len(examples)), np.arange(len(test_examples)))]
    else:
        splitter = KFold(n_splits=folds, shuffle=True, random_state=seed)
        parts = list(splitter.split(range(len(examples))))
    tests = examples if test_examples is None else test_examples
    figures, prequential, seconds = [], [], 0.0
    for train, test in parts:
        model = make_model(seed)
        started = perf_counter()
        for batch in examples.batches(train.tolist()):
            model.learn_many(batch)
        model.refresh()
        seconds += perf_counter() - started
        truth, answers = [], []
        for batch in tests.batches(test.tolist()):
            truth += [y for _, y in batch]
            answers += [prediction.value for prediction in model.predict_many([x for x, _ in batch])]
        figures.append(_fit(truth, answers))
        prequential.append(model.scores()["model"]["overall"])
    peak = peak_memory_mb()
    mean, forest = [], []
    for train, test in parts:
        known, values = zip(*examples.examples(train.tolist()), strict=True)
        unknown, values_there = zip(*tests.examples(test.tolist()), strict=True)
        mean.append(_fit(values_there, [float(np.mean(values))] * len(values_there)))
        forest.append(_fit(values_there, forest_values(known, values, unknown, seed)))
    return {
        "examples": len(examples),
        "folds": len(parts),
        "seed": seed,
        **_mean(figures),
        "prequential": _mean(prequential),
        "examples_per_second": sum(len(train) for train, _ in parts) / seconds,
        "peak_memory_mb": peak,
        "baselines": {"mean": _mean(mean), "batch_forest": _mean(forest)},
    }


def peak_memory_mb() -> float:
    """Return the process's peak memory, in MB of 10**6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / 1e6


def _f1(truth: Sequence[Label], answers: Sequence[Label | None]) -> dict[str, float]:
    return {
        f"{average}_f1": float(f1_score(truth, answers, average=average, zero_division=0.0))
        for average in ("macro", "weighted")
    }


def _fit(truth: Sequence[float], answers: Sequence[float]) -> dict[str, float]:
    return {"r2": float(r2_score(truth, answers)), "mae": float(mean_absolute_error(truth, answers))}


def _mean(figures: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([figure[name] for figure in figures])) for name in figures[0]}


def _spread(figures: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "mean": float(np.mean([figure[name] for figure in figures])),
            "std": float(np.std([figure[name] for figure in figures])),
        }
        for name in figures[0]
    }
