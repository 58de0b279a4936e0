"""Which columns matter: those that a forest splits on more gainfully than on their own shuffled copies."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models.features import Matrix

ROUNDS = 8
TREES_PER_ROUND = 10
ROWS_PER_TREE = 500


def rank_columns(rows: Matrix, targets: NDArray[np.int32], seed: int) -> list[int]:
    """Return all columns, best first."""
    return [int(column) for column in np.argsort(-shadow_scores(rows, targets, seed), kind="stable")]


def shadow_scores(rows: Matrix, targets: NDArray[np.int32], seed: int) -> NDArray[np.float64]:
    """Return each column's importance above that of its own shuffled copies, in their standard deviations.

    Own copies have the same number of distinct values, which impurity importance favours (Altmann et al.,
    2010, "Permutation importance: a corrected feature importance measure"). Every split sees all columns,
    so a column that only echoes a better one is seldom used and scores low.
    """
    random = np.random.default_rng(seed)
    real, shadow = [], []
    for turn in range(ROUNDS):
        forest = RandomForestClassifier(
            TREES_PER_ROUND,
            max_depth=6,
            min_samples_leaf=8,
            max_features=None,
            max_samples=min(1.0, ROWS_PER_TREE / len(rows)),
            class_weight="balanced_subsample",
            random_state=seed + turn,
        )
        forest.fit(np.hstack([rows, random.permuted(rows, axis=0)]), targets)
        importances = forest.feature_importances_
        real.append(importances[: rows.shape[1]])
        shadow.append(importances[rows.shape[1] :])
    floor = np.mean(shadow) / 4  # a column whose copies were hardly used has no spread to measure by
    gain = np.mean(real, axis=0) - np.mean(shadow, axis=0)
    scores: NDArray[np.float64] = gain / (np.std(shadow, axis=0) + floor + np.finfo(np.float64).tiny)
    return scores
