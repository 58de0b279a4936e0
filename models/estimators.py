"""Any scikit-learn classifier as a learner of the stream, refitted on a bounded sample of it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.baselines import ClassFrequencies
from models.features import Columns, Features, Label, Matrix, visible
from models.learners import BatchClassifier, Probabilities
from models.refitting import Refitted
from models.reservoir import Reservoir


class FittedEstimator(NamedTuple):
    """A fitted scikit-learn classifier, the columns that it reads and the labels that it tells apart."""

    columns: Columns
    estimator: Any
    labels: list[Label]

    def predict(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability."""
        rows: list[list[float]] = self.estimator.predict_proba(known(self.columns.rows(xs))).tolist()
        return [dict(zip(self.labels, row, strict=True)) for row in rows]


class RefitEstimator(Refitted[FittedEstimator], BatchClassifier):
    """A scikit-learn classifier refitted as labels come; `make` is called with a seed for each refit.

    The estimator gets NaN where a number is missing. It learns from the features that match one of the
    patterns in `sees`; () stands for all.
    """

    def __init__(
        self,
        make: Callable[[int], Any],
        capacity: int = 20_000,
        first: int = 200,
        growth: float = 1.5,
        seed: int = 0,
        sees: tuple[str, ...] = (),
    ) -> None:
        super().__init__(capacity, first, growth, seed)
        self.make = make
        self.capacity = capacity
        self.first = first
        self.growth = growth
        self.sees = sees
        self._labels: list[Label] = []
        self._frequencies = ClassFrequencies()

    def learn_one(self, x: Features, y: Label) -> None:
        """Sample the example, and refit when one is due."""
        if y not in self._frequencies.counts:
            self._labels.append(y)
        self._frequencies.learn_one(x, y)
        self._sample(visible(x, self.sees), self._labels.index(y))

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability; its share so far until the first refit."""
        return self._predict(self.newest, xs)

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[Label]) -> list[Probabilities]:
        """Answer and learn in order, scoring each stretch between two refits in one call."""
        return self._in_stretches(xs, ys, lambda part: self._predict(self.fitted, part), self.learn_one)

    def _predict(self, fitted: FittedEstimator | None, xs: Sequence[Features]) -> list[Probabilities]:
        if fitted is None or not xs:
            return self._frequencies.predict_proba_many(xs)
        return fitted.predict(xs)

    def _fit(self, sample: Reservoir) -> FittedEstimator | None:
        targets = sample.labels().astype(np.int32)
        present = np.unique(targets)
        if len(present) < 2 or not sample.columns:
            return None
        rows = known(sample.rows())
        estimator = self.make(self.seed).fit(rows, targets)
        columns = sample.columns.keep(range(rows.shape[1]))
        return FittedEstimator(columns, estimator, [self._labels[place] for place in present])


def known(rows: Matrix) -> Matrix:
    """Put NaN in the place of infinite numbers, which scikit-learn refuses."""
    return np.where(np.isfinite(rows), rows, np.float32(np.nan))
