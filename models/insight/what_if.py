"""What a model would answer for different features, and which change would help most."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from stream_app.models.features import Features, Label
from stream_app.models.learning import AnyModel, ClassificationModel

TRIED_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
MOST_TRIED_CATEGORIES = 12


class Change(NamedTuple):
    """One feature set to a value, the resulting score and how much higher it is."""

    feature: str
    before: float | str | None
    value: float | str
    score: float
    gain: float


class WhatIf(NamedTuple):
    """The score as it is, with the requested changes, and each controllable feature's best further change.

    `suggestions` are ordered by gain over `score_after`, without those that gain nothing. `tried` has every
    change tried, by feature.
    """

    score: float
    score_after: float
    suggestions: list[Change]
    tried: list[Change]


def what_if(
    model: AnyModel,
    features: Features,
    changes: Mapping[str, float | str],
    controllable: Mapping[str, Sequence[float | str]],
    label: Label | None = None,
) -> WhatIf:
    """Score one user or item as it is, as changed, and with each controllable feature at each value to try.

    The score is a regression model's value, or a classification model's probability of `label`. It is what
    the model predicts for such features; only an experiment can show whether making the change has that
    effect.

    Raises:
        ValueError: the model is a classification model and no label is named.
    """
    changed = {**features, **changes}
    tried = [(name, value) for name, values in controllable.items() for value in values]
    examples = [features, changed, *({**changed, name: value} for name, value in tried)]
    score, score_after, *scores = _scores(model, examples, label)
    best: dict[str, Change] = {}
    changes_tried = [
        Change(name, changed.get(name), value, reached, reached - score_after)
        for (name, value), reached in zip(tried, scores, strict=True)
    ]
    for change in changes_tried:
        if change.gain > 0 and (change.feature not in best or change.gain > best[change.feature].gain):
            best[change.feature] = change
    suggestions = sorted(best.values(), key=lambda change: (-change.gain, change.feature))
    return WhatIf(score, score_after, suggestions, changes_tried)


def values_to_try(examples: Iterable[Features], names: Iterable[str]) -> dict[str, list[float | str]]:
    """Return values of each named feature from examples: quantiles of numbers, the commonest categories.

    A feature that no example has gets no values.
    """
    seen = list(examples)
    values: dict[str, list[float | str]] = {}
    for name in names:
        known = [x[name] for x in seen if name in x]
        numbers = [value for value in known if not isinstance(value, str) and isfinite(value)]
        if numbers:
            # If most examples have 0, all quantiles are 0; quantiles of the others are tried as well.
            others = [value for value in numbers if value]
            tried = [0.0] if len(others) < len(numbers) else []
            tried += np.quantile(others, TRIED_QUANTILES, method="nearest").tolist() if others else []
            values[name] = list(dict.fromkeys(tried))
        else:
            categories = [value for value in known if isinstance(value, str)]
            by_count = sorted(set(categories), key=lambda value: (-categories.count(value), value))
            values[name] = list(by_count[:MOST_TRIED_CATEGORIES])
    return values


def _scores(model: AnyModel, examples: Sequence[Features], label: Label | None) -> list[float]:
    if not isinstance(model, ClassificationModel):
        return [prediction.value for prediction in model.predict_many(examples)]
    if label is None:
        raise ValueError("name the label whose probability is asked for")
    return [prediction.probabilities.get(label, 0.0) for prediction in model.predict_many(examples)]
