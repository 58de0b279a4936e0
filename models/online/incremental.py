"""River's own learners on our features: one-hot categories, standardised numbers, nothing missing."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from stream_app.models.features import Features, Label
from stream_app.models.online.learners import BatchClassifier, BatchRegressor, Probabilities
from stream_app.models.online.sample import Sample

MOST_CATEGORIES = 256


class Standardised:
    """Numbers by deviations from the mean of a model's sample, categories as 0/1, what is missing as 0.

    Mean and deviation are the sample's bounds', which are made anew: what spoiled them is outgrown. Without a
    sample, numbers are as they come.
    """

    def __init__(self) -> None:
        self.sample: Sample | None = None
        self._numbers: dict[str, float] = {}
        self._categories: dict[str, float] = {}

    def learn(self, x: Features) -> None:
        """Learn the numbers' names, and up to `MOST_CATEGORIES` categories."""
        for name, value in x.items():
            if not isinstance(value, str):
                self._numbers[name] = 0.0
            elif len(self._categories) < MOST_CATEGORIES:
                self._categories[f"{name}={value}"] = 0.0

    def __call__(self, x: Features) -> dict[str, float]:
        """Return the example with the names met so far, always in the same order."""
        bounds = self.sample.bounds if self.sample is not None else None
        seen = self._numbers | self._categories
        for name, value in x.items():
            if isinstance(value, str):
                if (mark := f"{name}={value}") in self._categories:
                    seen[mark] = 1.0
            elif name in self._numbers and isfinite(value):
                seen[name] = bounds.standardised(name, value) if bounds is not None else float(value)
        return seen


class IncrementalClassifier(BatchClassifier):
    """A River classifier behind `Standardised`."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier
        self._standardised = Standardised()

    def learn_one(self, x: Features, y: Label) -> None:
        """Learn one labelled example."""
        self._standardised.learn(x)
        self.classifier.learn_one(self._standardised(x), y)

    def share(self, sample: Sample) -> None:
        """Standardise by what a model samples."""
        self._standardised.sample = sample

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

    def share(self, sample: Sample) -> None:
        """Standardise by what a model samples."""
        self._standardised.sample = sample

    def predict_many(self, xs: Sequence[Features]) -> list[float]:
        """Return each example's expected value."""
        return [float(self.regressor.predict_one(self._standardised(x))) for x in xs]
