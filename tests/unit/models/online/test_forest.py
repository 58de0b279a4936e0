from itertools import pairwise

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from stream_app.models.online.forest import CompactForest

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(300, 6)).astype(np.float32)
ROWS[:, 5] = RANDOM.integers(0, 2, 300)
VALUES = ROWS[:, 0] * 3 + ROWS[:, 1] ** 2 + RANDOM.normal(size=300)
LABELS = np.digitize(VALUES, [0, 2])


def compact(forest):
    return CompactForest([(tree.tree_, np.arange(ROWS.shape[1])) for tree in forest.estimators_])


@pytest.fixture(scope="module")
def regressor():
    return RandomForestRegressor(12, random_state=1).fit(ROWS, VALUES)


@pytest.fixture(scope="module")
def classifier():
    return RandomForestClassifier(12, min_samples_leaf=3, random_state=1).fit(ROWS, LABELS)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 300, 1100], ids=lambda count: f"{count} rows")
def test_predictions_are_scikit_learns(count, regressor, classifier):
    rows = np.tile(ROWS, (4, 1))[:count]
    predicted = compact(regressor).predict(rows)
    assert predicted.shape == (count, 1)
    assert compact(classifier).predict(rows).shape == (count, 3)
    if count:
        np.testing.assert_allclose(predicted[:, 0], regressor.predict(rows), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(
            compact(classifier).predict(rows), classifier.predict_proba(rows), atol=1e-7
        )


def test_thresholds_part_rows_as_scikit_learns_do(regressor):
    """Rows that lie right at a threshold, and next to it on either side, reach the same leaves."""
    forest, tree = compact(regressor), regressor.estimators_[0].tree_
    inner = np.flatnonzero(tree.children_left >= 0)
    rows = np.repeat(ROWS[:1], 3 * len(inner), axis=0)
    for place, node in enumerate(inner):
        at = np.float32(tree.threshold[node])
        near = (np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf)))
        rows[3 * place : 3 * place + 3, tree.feature[node]] = near
    np.testing.assert_allclose(forest.predict(rows)[:, 0], regressor.predict(rows), rtol=1e-5, atol=1e-6)


def test_a_single_row_scores_bitwise_as_it_does_in_a_batch(regressor):
    forest = compact(regressor)
    one_by_one = np.concatenate([forest.predict(row[None, :]) for row in ROWS])
    assert np.array_equal(one_by_one, forest.predict(ROWS))


def test_contributions_add_up_to_the_prediction(classifier):
    forest = compact(classifier)
    rows = np.tile(ROWS, (3, 1))
    outputs = RANDOM.integers(0, 3, len(rows))
    starts, parts = forest.contributions(rows, outputs)
    asked = forest.predict(rows)[np.arange(len(rows)), outputs]
    np.testing.assert_allclose(starts + parts.sum(axis=1), asked, atol=1e-12)


def test_contributions_follow_the_path_of_each_tree(regressor):
    """Against a walk of scikit-learn's own decision paths."""
    row = ROWS[7]
    expected = np.zeros(ROWS.shape[1])
    for estimator in regressor.estimators_:
        tree = estimator.tree_
        path = estimator.decision_path(row[None, :]).indices
        for node, reached in pairwise(path):
            expected[tree.feature[node]] += tree.value[reached, 0, 0] - tree.value[node, 0, 0]
    _, parts = compact(regressor).contributions(ROWS[5:9], [0] * 4)
    np.testing.assert_allclose(parts[2], expected / len(regressor.estimators_), atol=1e-6)


def test_a_column_that_no_tree_uses_contributes_nothing():
    forest = RandomForestRegressor(5, random_state=0).fit(np.c_[ROWS[:, 0], np.zeros(300)], VALUES)
    _, parts = compact(forest).contributions(np.array([[1.0, 9.0]], dtype=np.float32), [0])
    assert parts[0, 1] == 0.0


def test_trees_of_several_selections_of_columns_are_one_forest():
    chosen = [np.array([4, 0]), np.array([1, 5, 2])]
    forests = [RandomForestRegressor(5, random_state=0).fit(ROWS[:, columns], VALUES) for columns in chosen]
    together = CompactForest(
        (tree.tree_, columns)
        for forest, columns in zip(forests, chosen, strict=True)
        for tree in forest.estimators_
    )
    expected = [forest.predict(ROWS[:, columns]) for forest, columns in zip(forests, chosen, strict=True)]
    np.testing.assert_allclose(together.predict(ROWS)[:, 0], np.mean(expected, axis=0), rtol=1e-5, atol=1e-7)
