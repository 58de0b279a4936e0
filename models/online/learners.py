"""What every learner provides: River's interface, and one call for a whole batch."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from river import base

from stream_app.models.features import Features, Label
from stream_app.models.online.sample import Sample

Probabilities = dict[Label, float]


class BatchLearner:
    """What classifiers and regressors have in common; by default a learner has no refits."""

    @property
    def features_read(self) -> frozenset[str] | None:
        """The features that answers currently depend on; None if any may count."""
        return None

    def refresh(self) -> None:
        """Bring answers up to date with everything learned, if that is deferred."""

    def is_current_at(self, seen: int) -> bool:  # noqa: ARG002
        """Whether its answer after `seen` examples came from a fit as fresh as a published one."""
        return True

    def share(self, sample: Sample) -> None:
        """Use this sample for refits, if the learner has any."""


class BatchClassifier(BatchLearner, base.Classifier):  # type: ignore[misc]  # River ships no types
    """A River classifier that scores many examples in one call.

    It answers {} before it has learned anything.
    """

    @abstractmethod
    def learn_one(self, x: Features, y: Label) -> None:
        """Learn one labelled example."""

    @abstractmethod
    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each example's probability of each label seen so far."""

    def predict_proba_one(self, x: Features, **_: Any) -> Probabilities:
        """Return the probability of each label seen so far."""
        return self.predict_proba_many([x])[0]

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[Label]) -> list[Probabilities]:
        """Answer each example before learning it (prequential order)."""
        answers = []
        for x, y in zip(xs, ys, strict=True):
            answers.append(self.predict_proba_one(x))
            self.learn_one(x, y)
        return answers

    def contributions_many(self, xs: Sequence[Features], labels: Sequence[Label]) -> list[dict[str, float]]:
        """Return how much each feature moves the probability of the example's label.

        By default, this is how the probability changes as the feature becomes known, averaged over the order
        of the features and its reverse (permutation sampling of Shapley values with antithetic pairs:
        Mitchell, Cooper, Frank & Holmes, 2022). The parts sum to the probability minus that of an example of
        which nothing is known.
        """
        return [self._contributions(x, label) for x, label in zip(xs, labels, strict=True)]

    def _contributions(self, x: Features, label: Label) -> dict[str, float]:
        return parts_as_known(
            x, lambda xs: [answer.get(label, 0.0) for answer in self.predict_proba_many(xs)]
        )

    @property
    def _multiclass(self) -> bool:
        return True


class BatchRegressor(BatchLearner, base.Regressor):  # type: ignore[misc]  # River ships no types
    """A River regressor that scores many examples in one call."""

    @abstractmethod
    def learn_one(self, x: Features, y: float) -> None:
        """Learn one example and its value."""

    @abstractmethod
    def predict_many(self, xs: Sequence[Features]) -> list[float]:
        """Return each example's expected value; 0.0 before anything was learned."""

    def predict_one(self, x: Features) -> float:
        """Return the expected value."""
        return self.predict_many([x])[0]

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[float]) -> list[float]:
        """Answer each example before learning it (prequential order)."""
        answers = []
        for x, y in zip(xs, ys, strict=True):
            answers.append(self.predict_one(x))
            self.learn_one(x, y)
        return answers

    def contributions_many(self, xs: Sequence[Features]) -> list[dict[str, float]]:
        """Return how much each feature moves the expected value; see `BatchClassifier`."""
        return [parts_as_known(x, self.predict_many) for x in xs]


def parts_as_known(x: Features, answer_many: Callable[[Sequence[Features]], list[float]]) -> dict[str, float]:
    """Return what each feature adds to the answer as it becomes known, averaged over both orders."""
    names = list(x)
    parts = dict.fromkeys(names, 0.0)
    for order in (names, names[::-1]):
        growing = [{name: x[name] for name in order[:known]} for known in range(len(order) + 1)]
        for name, (before, after) in zip(order, pairwise(answer_many(growing)), strict=True):
            parts[name] += (after - before) / 2
    return parts


def normalised(weights: Mapping[Label, float]) -> Probabilities:
    """Return the weights as shares of their sum; equal shares where all are 0."""
    total = sum(weights.values())
    return {label: weight / total if total else 1 / len(weights) for label, weight in weights.items()}
