"""Learners that refit a forest on a bounded sample of the stream, at stated sizes, inside learn_one.

Between two refits the forest stands still, so a whole stretch of the stream is scored in one call, and
a scoring worker pays for no refit: it loads the compact forest that the trainer's last refit gave.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from models.baselines import ClassFrequencies, RunningMean
from models.features import Columns, Features, Label, Matrix, visible
from models.forest import CompactForest
from models.learners import BatchClassifier, BatchRegressor, Probabilities
from models.reservoir import Reservoir
from models.selection import rank_columns

LabelT = TypeVar("LabelT")
AnswerT = TypeVar("AnswerT")
TREES_AT_ONCE = 10


class Refits:
    """When to refit: at `first` examples, then each time they have grown by `growth`.

    Refits are at most `most_apart` examples apart. With growth g all refits so far cost about
    g / (g - 1) times the last one.
    """

    def __init__(self, first: int, growth: float, most_apart: int = 50_000) -> None:
        self.growth = growth
        self.most_apart = most_apart
        self.due_at = first
        self.done_at = 0

    def done(self, seen: int) -> None:
        """Set the next refit by the number of examples at this one."""
        self.done_at = seen
        self.due_at = seen + min(max(1, int(seen * (self.growth - 1))), self.most_apart)

    def behind(self, seen: int) -> bool:
        """Whether refitting now would add a fiftieth or more to what the last refit saw."""
        return self.done_at > 0 and seen - self.done_at >= max(1, self.done_at // 50)


class FittedForest:
    """A forest with the columns that it reads and what it puts where a number is missing."""

    def __init__(self, columns: Columns, missing: NDArray[np.float32], forests: Iterable[Any]) -> None:
        self.columns = columns
        self.missing = missing
        self.forest = CompactForest(tree.tree_ for forest in forests for tree in forest.estimators_)

    def predict(self, xs: Sequence[Features]) -> NDArray[np.float64]:
        """Return (len(xs), outputs)."""
        return self.forest.predict(self._rows(xs))

    def contributions(self, x: Features) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Return the answer to an average example (outputs,) and what each feature adds to it for x."""
        start, parts = self.forest.contributions(self._rows([x])[0])
        by_feature: dict[str, NDArray[np.float64]] = {}
        for feature, part in zip(self.columns.features, parts, strict=True):
            by_feature[feature] = by_feature.get(feature, 0.0) + part
        return start, by_feature

    def _rows(self, xs: Sequence[Features]) -> Matrix:
        return filled(self.columns.rows(xs), self.missing)[0]


class RefitClassifier(BatchClassifier):
    """A class-balanced random forest over the features that it found to matter, refitted as labels come.

    It learns from the features that match one of the patterns in `sees`; () stands for all. At each refit
    their columns are ranked by use. The trees come in equal groups, one for each of `breadths`, which see
    just that many of the best columns: some trees rely on the surest alone, others on more, and no single
    number of columns need be right.

    The forest is fitted as if all classes were equally frequent, which serves the rare ones; its answers
    are brought back to the classes' own frequencies (Elkan, 2001, "The foundations of cost-sensitive
    learning", theorem 2), so that they are probabilities.
    """

    def __init__(
        self,
        capacity: int = 5_000,
        first: int = 100,
        growth: float = 2.0,
        breadths: tuple[int, ...] = (4, 6, 9, 14),
        trees_each: int = 50,
        leaf: int = 4,
        seed: int = 0,
        sees: tuple[str, ...] = (),
    ) -> None:
        self.sees = sees
        self.capacity = capacity
        self.first = first
        self.growth = growth
        self.breadths = breadths
        self.trees_each = trees_each
        self.leaf = leaf
        self.seed = seed
        self.fitted: FittedForest | None = None
        self._labels: list[Label] = []
        self._fitted_labels: list[Label] = []
        self._fitted_shares: NDArray[np.float64] = np.empty(0)
        self._frequencies = ClassFrequencies()
        self._reservoir = Reservoir(capacity, seed)
        self._refits = Refits(first, growth)

    def learn_one(self, x: Features, y: Label) -> None:
        """Sample the example, and refit when one is due."""
        if y not in self._frequencies.counts:
            self._labels.append(y)
        self._frequencies.learn_one(x, y)
        self._reservoir.add(visible(x, self.sees), self._labels.index(y))
        if self._reservoir.seen >= self._refits.due_at:
            self._refit()

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability; its share so far until the first refit."""
        if self.fitted is None:
            return self._frequencies.predict_proba_many(xs)
        weighed = self.fitted.predict(xs) * self._fitted_shares
        weighed /= weighed.sum(axis=1, keepdims=True)
        return [dict(zip(self._fitted_labels, row, strict=True)) for row in weighed.tolist()]

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[Label]) -> list[Probabilities]:
        """Answer and learn in order, scoring each stretch between two refits in one call."""
        return _in_stretches(xs, ys, self._stretch, self.predict_proba_many, self.learn_one)

    def refresh(self) -> None:
        """Refit if enough was learned since the last time."""
        if self._refits.behind(self._reservoir.seen):
            self._refit()

    def contributions(self, x: Features, label: Label) -> dict[str, float]:
        """Return each used feature's part in the class-balanced probability of the label."""
        if self.fitted is None or label not in self._fitted_labels:
            return {}
        output = self._fitted_labels.index(label)
        parts = self.fitted.contributions(x)[1]
        return {feature: float(part[output]) for feature, part in parts.items()}

    def _stretch(self) -> int:
        return 1 if self.fitted is None else self._refits.due_at - self._reservoir.seen

    def _refit(self) -> None:
        self._refits.done(self._reservoir.seen)
        targets = self._reservoir.labels().astype(np.int32)
        present, counts = np.unique(targets, return_counts=True)
        if len(present) < 2 or not self._reservoir.columns:
            return
        rows, missing = filled(self._reservoir.rows())
        ranked = rank_columns(rows, targets, self.seed)[: max(self.breadths)]
        forests = [
            RandomForestClassifier(
                self.trees_each,
                min_samples_leaf=self.leaf,
                max_features=0.6,
                class_weight="balanced_subsample",
                random_state=self.seed + group,
            ).fit(rows[:, ranked[:breadth]], targets)
            for group, breadth in enumerate(self.breadths)
        ]
        self.fitted = FittedForest(self._reservoir.columns.keep(ranked), missing[ranked], forests)
        self._fitted_labels = [self._labels[place] for place in present]
        self._fitted_shares = counts / counts.sum()


class RefitRegressor(BatchRegressor):
    """A random forest refitted as examples come; answers lie within the values that it has seen."""

    def __init__(
        self,
        capacity: int = 20_000,
        first: int = 200,
        growth: float = 1.7,
        trees: int = 40,
        leaf: int = 2,
        seed: int = 0,
    ) -> None:
        self.capacity = capacity
        self.first = first
        self.growth = growth
        self.trees = trees
        self.leaf = leaf
        self.seed = seed
        self.fitted: FittedForest | None = None
        self._mean = RunningMean()
        self._reservoir = Reservoir(capacity, seed)
        self._refits = Refits(first, growth)

    def learn_one(self, x: Features, y: float) -> None:
        """Sample the example, and refit when one is due."""
        self._mean.learn_one(x, y)
        self._reservoir.add(x, y)
        if self._reservoir.seen >= self._refits.due_at:
            self._refit()

    def predict_many(self, xs: Sequence[Features]) -> list[float]:
        """Return each example's expected value; the mean so far until the first refit."""
        if self.fitted is None:
            return self._mean.predict_many(xs)
        answers: list[float] = self.fitted.predict(xs)[:, 0].tolist()
        return answers

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[float]) -> list[float]:
        """Answer and learn in order, scoring each stretch between two refits in one call."""
        return _in_stretches(xs, ys, self._stretch, self.predict_many, self.learn_one)

    def refresh(self) -> None:
        """Refit if enough was learned since the last time."""
        if self._refits.behind(self._reservoir.seen):
            self._refit()

    def _stretch(self) -> int:
        return 1 if self.fitted is None else self._refits.due_at - self._reservoir.seen

    def _refit(self) -> None:
        self._refits.done(self._reservoir.seen)
        if not self._reservoir.columns:
            return
        rows, missing = filled(self._reservoir.rows())
        labels = self._reservoir.labels()
        forests = (  # few trees at a time: scikit-learn's are several times as large as compact ones
            RandomForestRegressor(
                min(TREES_AT_ONCE, self.trees - start),
                min_samples_leaf=self.leaf,
                max_features=0.4,
                random_state=self.seed + start,
            ).fit(rows, labels)
            for start in range(0, self.trees, TREES_AT_ONCE)
        )
        self.fitted = FittedForest(self._reservoir.columns.keep(range(rows.shape[1])), missing, forests)


def filled(rows: Matrix, missing: NDArray[np.float32] | None = None) -> tuple[Matrix, NDArray[np.float32]]:
    """Put `missing`, or else each column's median, where a number is not known; return rows and medians."""
    known = np.isfinite(rows)
    if missing is None:
        medians = [
            np.median(column[k]) if k.any() else 0.0 for column, k in zip(rows.T, known.T, strict=True)
        ]
        missing = np.array(medians, dtype=np.float32)
    return np.where(known, rows, missing), missing


def _in_stretches(
    xs: Sequence[Features],
    ys: Sequence[LabelT],
    stretch: Callable[[], int],
    predict_many: Callable[[Sequence[Features]], list[AnswerT]],
    learn_one: Callable[[Features, LabelT], None],
) -> list[AnswerT]:
    """Predict, then learn, as many examples at a time as `stretch` says leave the answers unchanged."""
    answers: list[AnswerT] = []
    while len(answers) < len(xs):
        start = len(answers)
        answers += predict_many(xs[start : start + stretch()])
        for x, y in zip(xs[start : len(answers)], ys[start : len(answers)], strict=True):
            learn_one(x, y)
    return answers
