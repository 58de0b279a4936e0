"""River's own learners on our features: one-hot categories, standardised numbers, nothing missing."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from stream_app.models.features import Features, Label
from stream_app.models.online.contributions import contributions_of
from stream_app.models.online.learners import BatchClassifier, BatchRegressor, Probabilities
from stream_app.models.online.sample import Sample

MOST_CATEGORIES = 256


class Standardised:
    """Numbers in deviations from the mean of a model's sample, categories as 0/1, missing values as 0.

    Mean and deviation come from the sample's bounds, which are recomputed, so bad values lose their effect.
    Without a sample, numbers are used as they are.
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
        """Return the example with the names seen so far, always in the same order."""
        return self.unknown() | dict(self.known_values(x).values())

    def unknown(self) -> dict[str, float]:
        """Return an example of which nothing is known, with the names seen so far."""
        return self._numbers | self._categories

    def known_values(self, x: Features) -> dict[str, tuple[str, float]]:
        """Return for each known feature its place and value."""
        bounds = self.sample.bounds if self.sample is not None else None
        told: dict[str, tuple[str, float]] = {}
        for name, value in x.items():
            if isinstance(value, str):
                if (mark := f"{name}={value}") in self._categories:
                    told[name] = mark, 1.0
            elif name in self._numbers and isfinite(value):
                told[name] = name, bounds.standardised(name, value) if bounds is not None else float(value)
        return told


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
        """Standardise by a model's sample."""
        self._standardised.sample = sample

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each example's probability of each label seen so far."""
        return [self.classifier.predict_proba_one(self._standardised(x)) for x in xs]

    def _contributions(self, x: Features, label: Label) -> dict[str, float]:
        """Return each feature's part from the classifier's state, if it has a measure of its own."""
        told = self._standardised.known_values(x)
        known = {place: number for place, number in told.values() if number}  # 0 is the same as unknown
        parts = contributions_of(self.classifier, self._standardised.unknown(), known, label)
        if parts is None:
            return super()._contributions(x, label)
        return {name: parts.get(told[name][0], 0.0) if name in told else 0.0 for name in x}


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
