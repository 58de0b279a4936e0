"""Which features matter: those that a forest splits on more gainfully than on their own shuffled copies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models.features import Matrix

ROUNDS = 8
TREES_PER_ROUND = 10
ROWS_PER_TREE = 1_000


def best_features(
    rows: Matrix, features: Sequence[str], targets: NDArray[np.int32], most: int, seed: int
) -> list[list[int]]:
    """Return the columns of each of the `most` best features, best first; `features` names each column's.

    They are ranked among all, and then once more among the better ones alone, where chance finds fewer
    rivals.
    """
    columns: dict[str, list[int]] = {}
    for column, feature in enumerate(features):
        columns.setdefault(feature, []).append(column)
    ranked = list(columns)
    for turn, kept in enumerate((most + 2, most)):
        shown = [column for feature in ranked for column in columns[feature]]
        scores = shadow_scores(rows[:, shown], [features[column] for column in shown], targets, seed + turn)
        ranked = sorted(scores, key=scores.__getitem__, reverse=True)[:kept]
    return [columns[feature] for feature in ranked]


def shadow_scores(
    rows: Matrix, features: Sequence[str], targets: NDArray[np.int32], seed: int
) -> dict[str, float]:
    """Return each feature's importance above that of its own shuffled copies, in their standard deviations.

    Own copies have the same number of distinct values, which impurity importance favours (Altmann et al.,
    2010, "Permutation importance: a corrected feature importance measure"). Every split sees all columns,
    so a column that only echoes a better one is seldom used and scores low.
    """
    random = np.random.default_rng(seed)
    names = list(dict.fromkeys(features))
    owner = np.array([names.index(feature) for feature in features])
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
        real.append(np.bincount(owner, importances[: rows.shape[1]]))
        shadow.append(np.bincount(owner, importances[rows.shape[1] :]))
    floor = np.mean(shadow) / 4  # a feature whose copies were hardly used has no spread to measure by
    gain = np.mean(real, axis=0) - np.mean(shadow, axis=0)
    scores = gain / (np.std(shadow, axis=0) + floor + np.finfo(np.float64).tiny)
    return dict(zip(names, scores.tolist(), strict=True))
