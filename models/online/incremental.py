"""River's own learners on our features: one-hot categories, standardised numbers, nothing missing."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from river import preprocessing

from stream_app.models.features import Features, Label
from stream_app.models.online.learners import BatchClassifier, BatchRegressor, Probabilities

MOST_CATEGORIES = 256


class Standardised:
    """Numbers at mean 0 and deviation 1 as learned so far, categories as 0/1, what is missing as 0."""

    def __init__(self) -> None:
        self._scaler = preprocessing.StandardScaler()
        self._numbers: dict[str, float] = {}
        self._categories: dict[str, float] = {}

    def learn(self, x: Features) -> None:
        """Learn the numbers' means and deviations, and up to `MOST_CATEGORIES` categories."""
        numbers, categories = _parted(x)
        self._scaler.learn_one(numbers)
        self._numbers |= dict.fromkeys(numbers, 0.0)
        if len(self._categories) < MOST_CATEGORIES:
            self._categories |= dict.fromkeys(categories, 0.0)

    def __call__(self, x: Features) -> dict[str, float]:
        """Return the example with the names met so far, always in the same order."""
        numbers, categories = _parted(x)
        known = {name: value for name, value in numbers.items() if name in self._numbers}
        marks = {name: 1.0 for name in categories if name in self._categories}
        scaled: dict[str, float] = self._scaler.transform_one(known)
        return self._numbers | scaled | self._categories | marks


class IncrementalClassifier(BatchClassifier):
    """A River classifier behind `Standardised`."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier
        self._standardised = Standardised()

    def learn_one(self, x: Features, y: Label) -> None:
        """Learn one labelled example."""
        self._standardised.learn(x)
        self.classifier.learn_one(self._standardised(x), y)

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each example's probability of each label met so far."""
        return [self.classifier.predict_proba_one(self._standardised(x)) for x in xs]


class IncrementalRegressor(BatchRegressor):
    """A River regressor behind `Standardised`."""

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor
        self._standardised = Standardised()

    def learn_one(self, x: Features, y: float) -> None:
        """Learn one example and its value."""
        self._standardised.learn(x)
        self.regressor.learn_one(self._standardised(x), y)

    def predict_many(self, xs: Sequence[Features]) -> list[float]:
        """Return each example's expected value."""
        return [float(self.regressor.predict_one(self._standardised(x))) for x in xs]


def _parted(x: Features) -> tuple[dict[str, float], list[str]]:
    numbers, categories = {}, []
    for name, value in x.items():
        if isinstance(value, str):
            categories.append(f"{name}={value}")
        elif isfinite(value):
            numbers[name] = float(value)
    return numbers, categories
