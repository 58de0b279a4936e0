"""Which features matter: those that a forest gains more from than from shuffled copies of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from stream_app.models.features import Matrix

TREES_PER_ROUND = 10
ROWS_PER_TREE = 500

Places = NDArray[np.int_]


class Rounds(NamedTuple):
    """How often features are compared with shuffled copies, and the seed of the first round."""

    number: int
    seed: int


def rank_features(
    rows: Matrix,
    targets: NDArray[np.int32],
    feature_of: Places,
    among: Places,
    allowance: NDArray[np.float64],
    rounds: Rounds,
) -> Places:
    """Return the features `among`, best first, by shadow score minus each feature's `allowance`.

    `feature_of` has each column's feature, numbered from 0. The fewer candidates there are, the less the
    ranking depends on chance.
    """
    columns = np.flatnonzero(np.isin(feature_of, among))
    place_of = {int(feature): place for place, feature in enumerate(among)}
    kept = np.array([place_of[int(feature)] for feature in feature_of[columns]])
    scores = shadow_scores(rows[:, columns], targets, kept, rounds)
    return among[np.argsort(allowance[among] - scores, kind="stable")]


def chance_allowance(is_declared: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each feature the score that the best of its kind would reach by chance.

    The largest of n noise scores is near sqrt(2 ln n) deviations. Senders declare only few features of users.
    Computed statistics are many variants of a few quantities, so the best of them more easily looks good by
    chance.
    """
    declared = int(is_declared.sum())
    best_declared, best_computed = (
        np.sqrt(2 * np.log(max(count, 1))) for count in (declared, len(is_declared) - declared)
    )
    allowance: NDArray[np.float64] = np.where(is_declared, best_declared, best_computed)
    return allowance


def shadow_scores(
    rows: Matrix, targets: NDArray[np.int32], feature_of: Places, rounds: Rounds
) -> NDArray[np.float64]:
    """Return each feature's importance above that of its shuffled copies, in their standard deviations.

    A feature's copies have the same number of distinct values, which impurity importance favours (Altmann et
    al., 2010, "Permutation importance: a corrected feature importance measure"). The columns of one feature
    are shuffled together. Every split sees all columns, so a feature that only echoes a better one is seldom
    used and scores low.
    """
    random = np.random.default_rng(rounds.seed)
    features, width = int(feature_of.max()) + 1, rows.shape[1]
    real, shadow = [], []
    for turn in range(rounds.number):
        orders = random.permuted(np.tile(np.arange(len(rows)), (features, 1)), axis=1)
        copies = rows[orders[feature_of].T, np.arange(width)]
        forest = RandomForestClassifier(
            TREES_PER_ROUND,
            max_depth=6,
            min_samples_leaf=8,
            max_features=None,
            max_samples=min(1.0, ROWS_PER_TREE / len(rows)),
            class_weight="balanced_subsample",
            random_state=rounds.seed + turn,
        )
        forest.fit(np.hstack([rows, copies]), targets)
        importances = forest.feature_importances_
        real.append(np.bincount(feature_of, importances[:width], features))
        shadow.append(np.bincount(feature_of, importances[width:], features))
    floor = np.mean(shadow) / 4  # if the copies were hardly used, there is no spread to measure by
    gain = np.mean(real, axis=0) - np.mean(shadow, axis=0)
    scores: NDArray[np.float64] = gain / (np.std(shadow, axis=0) + floor + np.finfo(np.float64).tiny)
    return scores
