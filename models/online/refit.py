"""Forests refitted on a bounded sample of the stream."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from stream_app.models.features import Columns, Features, Label, Matrix, filled, visible
from stream_app.models.judging.baselines import RunningMean
from stream_app.models.online.forest import CompactForest
from stream_app.models.online.learners import BatchRegressor, Probabilities
from stream_app.models.online.refitting import Refitted, RefittedClassifier
from stream_app.models.online.sample import View
from stream_app.models.online.selection import Rounds, chance_allowance, rank_features

TREES_AT_ONCE = 5
SCREENED = 16
SCREENING_ROUNDS = 8
MOST_LEAVES_OF_CLASSES = 512  # of a tree; they bound the size of a snapshot, whatever is learned
MOST_LEAVES = 2_000


class FittedForest:
    """A forest with the columns that it reads and what it substitutes for missing numbers.

    `forests` are scikit-learn's, each with the indices of the columns that it was fitted on.
    """

    def __init__(
        self,
        columns: Columns,
        missing: NDArray[np.float32],
        forests: Iterable[tuple[Any, NDArray[np.int_]]],
    ) -> None:
        self.columns = columns
        self.missing = missing
        self.forest = CompactForest(
            (tree.tree_, places) for forest, places in forests for tree in forest.estimators_
        )

    def predict(self, xs: Sequence[Features]) -> NDArray[np.float64]:
        """Return (len(xs), outputs)."""
        return self.forest.predict(self._rows(xs))

    def contributions(self, xs: Sequence[Features], outputs: Sequence[int]) -> list[dict[str, float]]:
        """Return what each feature adds to the requested output of each example."""
        _, parts = self.forest.contributions(self._rows(xs), outputs)
        features = list(dict.fromkeys(self.columns.features))
        places = [features.index(feature) for feature in self.columns.features]
        by_feature = np.zeros((len(features), len(xs)))
        np.add.at(by_feature, places, parts.T)
        return [dict(zip(features, row, strict=True)) for row in by_feature.T.tolist()]

    def _rows(self, xs: Sequence[Features]) -> Matrix:
        return filled(self.columns.rows(xs), self.missing)[0]


class FittedClasses(NamedTuple):
    """A class-balanced forest and its labels, with their shares of its sample."""

    forest: FittedForest
    labels: list[Label]
    shares: NDArray[np.float64]

    def predict(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability at the labels' true frequencies."""
        weighed = self.forest.predict(xs) * self.shares
        weighed /= weighed.sum(axis=1, keepdims=True)
        return [dict(zip(self.labels, row, strict=True)) for row in weighed.tolist()]


class RefitClassifier(RefittedClassifier[FittedClasses]):
    """A class-balanced random forest over the features found to matter, refitted as labels arrive.

    Each refit ranks the features by use; if there are many, a first ranking reduces them to `SCREENED`. The
    trees form equal groups, one for each of `breadths`, which see that many of the best features: some trees
    rely on the surest only, others on more, so that no single number of features has to be right. Features
    whose names match a pattern in `declared` are stated by senders; there are few of these, so they pass a
    lower threshold.

    The forest is fitted as if all classes were equally frequent, which helps the rare ones; its answers are
    rescaled to the true frequencies (Elkan, 2001, "The foundations of cost-sensitive learning", theorem 2),
    so that they are probabilities.
    """

    def __init__(  # noqa: PLR0913
        self,
        capacity: int = 5_000,
        first: int = 100,
        growth: float = 2.0,
        breadths: tuple[int, ...] = (4, 6, 9),
        trees_each: int = 60,
        leaf: int = 4,
        ranking_rounds: int = 16,
        seed: int = 0,
        sees: tuple[str, ...] = (),
        declared: tuple[str, ...] = ("trait_*",),
    ) -> None:
        super().__init__(capacity, first, growth, seed, sees)
        self.breadths = breadths
        self.trees_each = trees_each
        self.ranking_rounds = ranking_rounds
        self.leaf = leaf
        self.declared = declared

    def contributions_many(self, xs: Sequence[Features], labels: Sequence[Label]) -> list[dict[str, float]]:
        """Return each used feature's part in the class-balanced probability of the example's label.

        The parts sum to that probability minus 1 / number of labels.
        """
        newest = self.newest
        if newest is None:
            return [{} for _ in xs]
        known = [place for place, label in enumerate(labels) if label in newest.labels]
        outputs = [newest.labels.index(labels[place]) for place in known]
        parts = dict(
            zip(known, newest.forest.contributions([xs[place] for place in known], outputs), strict=True)
        )
        return [parts.get(place, {}) for place in range(len(xs))]

    def _fit(self, sample: View) -> FittedClasses | None:
        targets = self._targets(sample)
        present, counts = np.unique(targets, return_counts=True)
        if len(present) < 2 or not sample.columns:
            return None
        rows, missing = filled(sample.rows)
        groups = self._select(rows, targets, sample.columns)
        uses = Counter(int(column) for selected in groups for column in selected)
        columns = [column for column, _ in uses.most_common()]
        forests = []
        for group, selected in enumerate(groups):
            forest = RandomForestClassifier(
                self.trees_each,
                min_samples_leaf=self.leaf,
                max_leaf_nodes=MOST_LEAVES_OF_CLASSES if len(targets) > MOST_LEAVES_OF_CLASSES else None,
                max_features=0.6,
                class_weight="balanced_subsample",
                random_state=self.seed + group,
            ).fit(rows[:, selected], targets)
            forests.append((forest, np.array([columns.index(column) for column in selected])))
        fitted = FittedForest(sample.columns.keep(columns), missing[columns], forests)
        return FittedClasses(fitted, [self._labels[place] for place in present], counts / counts.sum())

    def _select(self, rows: Matrix, targets: NDArray[np.int32], columns: Columns) -> list[NDArray[np.int_]]:
        """Return the columns of each group's best features."""
        names = list(dict.fromkeys(columns.features))
        feature_of = np.array([names.index(name) for name in columns.features])
        known = visible(dict.fromkeys(names, ""), self.declared) if self.declared else ()
        allowance = chance_allowance(np.array([name in known for name in names]))
        rank = partial(rank_features, rows, targets, feature_of, allowance=allowance)
        among = np.arange(len(names))
        if len(names) > SCREENED:
            among = rank(among=among, rounds=Rounds(SCREENING_ROUNDS, self.seed))[:SCREENED]
        ranked = rank(among=among, rounds=Rounds(self.ranking_rounds, self.seed))
        return [np.flatnonzero(np.isin(feature_of, ranked[:breadth])) for breadth in self.breadths]


class RefitRegressor(Refitted[FittedForest], BatchRegressor):
    """A random forest that is refitted as examples arrive; answers lie within the values that it has seen."""

    def __init__(
        self,
        capacity: int = 20_000,
        first: int = 200,
        growth: float = 1.7,
        trees: int = 40,
        leaf: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__(capacity, first, growth, seed)
        self.trees = trees
        self.leaf = leaf
        self._mean = RunningMean()

    def learn_one(self, x: Features, y: float) -> None:
        """Sample the example, and refit when one is due."""
        self._mean.learn_one(x, y)
        self._add_example(x, y)

    def predict_many(self, xs: Sequence[Features]) -> list[float]:
        """Return each example's expected value; until the first refit, the mean so far."""
        return self._predict(self.newest, xs)

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[float]) -> list[float]:
        """Answer and learn in order, scoring each stretch between two refits in one call."""
        return self._in_stretches(xs, ys, lambda part: self._predict(self.fitted, part), self.learn_one)

    def contributions_many(self, xs: Sequence[Features]) -> list[dict[str, float]]:
        """Return each feature's part in the expected value; they sum to it minus the sample's mean."""
        newest = self.newest
        return newest.contributions(xs, [0] * len(xs)) if newest and xs else [{} for _ in xs]

    def _predict(self, fitted: FittedForest | None, xs: Sequence[Features]) -> list[float]:
        if fitted is None:
            return self._mean.predict_many(xs)
        answers: list[float] = fitted.predict(xs)[:, 0].tolist()
        return answers

    def _fit(self, sample: View) -> FittedForest | None:
        if not sample.columns:
            return None
        rows, missing = filled(sample.rows)
        labels = np.array(sample.labels, dtype=np.float64)
        columns = np.arange(rows.shape[1])
        forests = (  # few trees at a time, because scikit-learn's are several times larger than compact ones
            (
                RandomForestRegressor(
                    min(TREES_AT_ONCE, self.trees - start),
                    min_samples_leaf=self.leaf,
                    max_leaf_nodes=MOST_LEAVES if len(labels) > MOST_LEAVES else None,
                    max_features=0.4,
                    random_state=self.seed + start,
                ).fit(rows, labels),
                columns,
            )
            for start in range(0, self.trees, TREES_AT_ONCE)
        )
        return FittedForest(sample.columns.keep(columns.tolist()), missing, forests)
