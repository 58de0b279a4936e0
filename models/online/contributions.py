"""How much each feature moved the answer of one of River's learners, computed from the learner's state.

`learners.parts_as_known` queries a learner twice for each feature. Here, one pass over the features gives the
same parts: softmax regression and naive Bayes add up log evidence by feature, nearest neighbours add up
squared distances. A tree that has split is explained by its path, like a forest (`forest.py`).
"""

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import forest, linear_model

from stream_app.models.features import Label
from stream_app.models.online.smoothed import SmoothedBayes, SmoothedNeighbours

Parts = dict[str, float]
Standard = dict[str, float]
Floats = NDArray[np.float64]


@singledispatch
def contributions_of(classifier: Any, unknown: Standard, known: Standard, label: Label) -> Parts | None:  # noqa: ARG001
    """Return what each name of `known` adds to the probability of `label` when it replaces `unknown`.

    `unknown` is an example of which nothing is known, with every name that the classifier has seen; `known`
    has the given features in order. Parts are averaged over this order and its reverse. None if the
    classifier has no measure of its own.
    """
    return None


@contributions_of.register
def _(classifier: linear_model.SoftmaxRegression, unknown: Standard, known: Standard, label: Label) -> Parts:
    labels = list(classifier.weights)
    start = [
        sum(w.get(name, 0.0) * x for name, x in unknown.items() if x) for w in classifier.weights.values()
    ]
    return parts_of_evidence(
        dict(zip(labels, start, strict=True)),
        {
            name: [w.get(name, 0.0) * (value - unknown[name]) for w in classifier.weights.values()]
            for name, value in known.items()
        },
        label,
    )


@contributions_of.register
def _(classifier: SmoothedBayes, unknown: Standard, known: Standard, label: Label) -> Parts:
    labels = list(classifier.class_counts)
    return parts_of_evidence(
        classifier.joint_log_likelihood(unknown),
        {
            name: [
                classifier.log_density(each, name, value) - classifier.log_density(each, name, unknown[name])
                for each in labels
            ]
            for name, value in known.items()
        },
        label,
    )


@contributions_of.register
def _(classifier: SmoothedNeighbours, unknown: Standard, known: Standard, label: Label) -> Parts:
    return _halved(list(known), lambda order: classifier.chances_on_the_way(unknown, known, order, label))


@contributions_of.register
def _(classifier: forest.ARFClassifier, unknown: Standard, known: Standard, label: Label) -> Parts:
    parts = dict.fromkeys(known, 0.0)
    if not len(classifier):
        return parts
    weights = [max(metric.get(), 0.0) or 1.0 for metric in classifier._metrics]
    for weight, tree in zip(weights, classifier, strict=True):
        for name, part in _parts_of_tree(tree, unknown, known, label).items():
            parts[name] += part * weight / sum(weights)
    return parts


def parts_of_evidence(
    start: Mapping[Label, float], evidence: Mapping[str, list[float]], label: Label
) -> Parts:
    """Return what each feature adds to the probability of `label`, for classifiers that add up log evidence.

    `start` has each label's log weight when nothing is known, `evidence` what each feature adds to it, by
    label in the order of `start`.
    """
    labels = list(start)
    if label not in start:
        return dict.fromkeys(evidence, 0.0)
    place, begin = labels.index(label), np.array(list(start.values()))

    def chances(order: list[str]) -> Floats:
        steps = np.array([begin, *(evidence[name] for name in order)]).cumsum(axis=0)
        weights = np.exp(steps - steps.max(axis=1, keepdims=True))
        return np.asarray(weights[:, place] / weights.sum(axis=1))

    return _halved(list(evidence), chances)


def _halved(names: list[str], chances: Callable[[list[str]], Floats]) -> Parts:
    """Return how `chances` changes with each name, averaged over the order of names and its reverse."""
    if not names:
        return {}
    forwards, backwards = np.diff(chances(names)), np.diff(chances(names[::-1]))[::-1]
    return dict(zip(names, ((forwards + backwards) / 2).tolist(), strict=True))


def _parts_of_tree(tree: Any, unknown: Standard, known: Standard, label: Label) -> Parts:
    """Split a tree's answer: each step of the path to the feature that it splits on (Saabas, 2014), and what
    the leaf's naive Bayes makes of its own features."""
    root = tree._root
    if root is None:
        return {}
    parts: Parts = {}
    *branches, leaf = root.walk(unknown | known)
    nodes = [*branches, leaf]
    for node, reached in zip(branches, nodes[1:], strict=True):
        step = _share(reached.stats, label) - _share(node.stats, label)
        parts[node.feature] = parts.get(node.feature, 0.0) + step
    if leaf.is_active() and leaf._nb_correct_weight >= leaf._mc_correct_weight:
        for name, part in _parts_of_leaf(leaf, unknown, known, label).items():
            parts[name] = parts.get(name, 0.0) + part
    return {name: part for name, part in parts.items() if name in known}


def _parts_of_leaf(leaf: Any, unknown: Standard, known: Standard, label: Label) -> Parts:
    labels = [each for each, weight in leaf.stats.items() if weight > 0]
    read = {name: splitter for name, splitter in leaf.splitters.items() if name in unknown}

    def density(name: str, value: float, each: Label) -> float:
        logarithm = float(read[name].cond_log_proba(value, each))
        return logarithm if np.isfinite(logarithm) else 0.0

    start = {
        each: float(np.log(leaf.stats[each])) + sum(density(name, unknown[name], each) for name in read)
        for each in labels
    }
    told = {
        name: [density(name, value, each) - density(name, unknown[name], each) for each in labels]
        for name, value in known.items()
        if name in read
    }
    return parts_of_evidence(start, told, label)


def _share(stats: Mapping[Label, float], label: Label) -> float:
    total = sum(stats.values())
    return stats.get(label, 0.0) / total if total else 0.0
