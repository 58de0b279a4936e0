from collections import Counter

import numpy as np

from stream_app.models.online.reservoir import Reservoir


def test_everything_is_kept_until_it_is_full():
    reservoir = Reservoir(100, seed=0)
    for n in range(100):
        reservoir.add({"n": n}, n)
    np.testing.assert_array_equal(reservoir.rows()[:, 0], np.arange(100))
    np.testing.assert_array_equal(reservoir.labels(), np.arange(100))


def test_it_never_exceeds_its_capacity_and_rows_stay_with_their_labels():
    reservoir = Reservoir(50, seed=1)
    for n in range(5_000):
        reservoir.add({"n": n, "kind": "even" if n % 2 == 0 else "odd"}, n)
    assert len(reservoir) == 50
    assert reservoir.rows().shape == (50, 3)
    labels = reservoir.labels()
    np.testing.assert_array_equal(reservoir.rows()[:, 0], labels)
    even = reservoir.columns.names.index("kind=even")
    np.testing.assert_array_equal(reservoir.rows()[:, even], labels % 2 == 0)


def test_a_feature_first_met_late_is_missing_before():
    reservoir = Reservoir(10, seed=0)
    reservoir.add({"a": 1}, 0)
    reservoir.add({"a": 2, "b": 5, "c": "x"}, 1)
    np.testing.assert_array_equal(reservoir.rows(), [[1, np.nan, 0], [2, 5, 1]])


def test_early_and_late_examples_are_kept_alike():
    """Each of 40 examples is kept with chance 10/40; over 2,000 seeds within five standard errors."""
    kept = Counter()
    for seed in range(2_000):
        reservoir = Reservoir(10, seed)
        for n in range(40):
            reservoir.add({"n": n}, n)
        kept.update(reservoir.labels().astype(int).tolist())
    error = (0.25 * 0.75 / 2_000) ** 0.5
    assert all(abs(kept[n] / 2_000 - 0.25) < 5 * error for n in range(40))
