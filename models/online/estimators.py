"""Any scikit-learn classifier as a stream learner, refitted on a bounded sample."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from stream_app.models.features import Columns, Features, Label, Matrix
from stream_app.models.online.learners import Probabilities
from stream_app.models.online.refitting import RefittedClassifier
from stream_app.models.online.sample import View


class FittedEstimator(NamedTuple):
    """A fitted scikit-learn classifier with the columns that it reads and its labels."""

    columns: Columns
    estimator: Any
    labels: list[Label]

    def predict(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability."""
        rows: list[list[float]] = self.estimator.predict_proba(known(self.columns.rows(xs))).tolist()
        return [dict(zip(self.labels, row, strict=True)) for row in rows]


class RefitEstimator(RefittedClassifier[FittedEstimator]):
    """A scikit-learn classifier refitted as labels arrive; each refit calls `make` with a seed.

    The estimator gets NaN where a number is missing.
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
        super().__init__(capacity, first, growth, seed, sees)
        self.make = make

    def _fit(self, sample: View) -> FittedEstimator | None:
        targets = self._targets(sample)
        present = np.unique(targets)
        if len(present) < 2 or not sample.columns:
            return None
        rows = known(sample.rows)
        estimator = self.make(self.seed).fit(rows, targets)
        columns = sample.columns.keep(range(rows.shape[1]))
        return FittedEstimator(columns, estimator, [self._labels[place] for place in present])


def known(rows: Matrix) -> Matrix:
    """Replace infinite numbers, which scikit-learn rejects, with NaN."""
    return np.where(np.isfinite(rows), rows, np.float32(np.nan))
