"""Answers without features: what a model has to beat, and its fallback while it warms up."""

from collections import Counter
from collections.abc import Sequence

from stream_app.models.features import Features, Label
from stream_app.models.online.learners import BatchClassifier, BatchRegressor, Probabilities


class ClassFrequencies(BatchClassifier):
    """Answers with each label's share so far; the most probable label is the majority class."""

    def __init__(self) -> None:
        self.counts: Counter[Label] = Counter()

    def learn_one(self, x: Features, y: Label) -> None:  # noqa: ARG002
        """Count the label."""
        self.counts[y] += 1

    def shares(self) -> Probabilities:
        """Return each label's share of what was learned."""
        total = self.counts.total()
        return {label: count / total for label, count in self.counts.items()}

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return the same shares for every example."""
        shares = self.shares()
        return [dict(shares) for _ in xs]


class RunningMean(BatchRegressor):
    """Answers with the mean so far."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0

    def learn_one(self, x: Features, y: float) -> None:  # noqa: ARG002
        """Update the mean."""
        self.count += 1
        self.mean += (y - self.mean) / self.count

    def predict_many(self, xs: Sequence[Features]) -> list[float]:
        """Return the mean for every example."""
        return [self.mean] * len(xs)
