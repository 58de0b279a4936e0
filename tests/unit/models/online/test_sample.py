import random
from collections import Counter

import numpy as np
import pytest

from stream_app.models.online.sample import Mark, Sample


def test_everything_is_kept_until_it_is_full():
    sample = Sample(100, seed=0)
    for n in range(100):
        sample.add({"n": n}, n)
    view = sample.view(100)
    np.testing.assert_array_equal(view.rows[:, 0], np.arange(100))
    assert view.labels == list(range(100))


def test_it_never_exceeds_its_capacity_and_rows_stay_with_their_labels():
    sample = Sample(50, seed=1)
    for n in range(5_000):
        sample.add({"n": n, "kind": "even" if n % 2 == 0 else "odd"}, n)
    view = sample.view(5_000)
    assert len(sample) == 50
    assert view.rows.shape == (50, 3)
    labels = np.array(view.labels)
    assert sorted(view.labels) == view.labels
    np.testing.assert_array_equal(view.rows[:, 0], labels)
    np.testing.assert_array_equal(view.rows[:, view.columns.names.index("kind=even")], labels % 2 == 0)
    assert len(sample.examples()) <= 55


def test_a_feature_first_met_late_is_missing_before():
    sample = Sample(10, seed=0)
    sample.add({"a": 1}, 0)
    sample.add({"a": 2, "b": 5, "c": "x"}, 1)
    np.testing.assert_array_equal(sample.view(2).rows, [[1, np.nan, 0], [2, 5, 1]])


def test_early_and_late_examples_are_kept_alike():
    """Each of 40 examples is kept with chance 10/40; over 2,000 seeds within five standard errors."""
    kept = Counter()
    for seed in range(2_000):
        sample = Sample(10, seed * 1_000)
        for n in range(40):
            sample.add({"n": n}, n)
        kept.update(sample.view(40).labels)
    error = (0.25 * 0.75 / 2_000) ** 0.5
    assert all(abs(kept[n] / 2_000 - 0.25) < 5 * error for n in range(40))


def test_a_view_of_an_earlier_time_is_what_it_was_then():
    sample, then = Sample(20, seed=3), {}
    for n in range(60):
        sample.add({"n": n, f"late_{n // 20}": 1.0}, n)
        then[n + 1] = sample.view(n + 1)
    at_once = Sample(20, seed=3)
    for n in range(24):  # not more than it holds in reserve
        at_once.add({"n": n, f"late_{n // 20}": 1.0}, n)
    for seen in (5, 19, 22, 24):
        np.testing.assert_array_equal(at_once.view(seen).rows, then[seen].rows)
        assert at_once.view(seen).labels == then[seen].labels
        assert at_once.view(seen).columns.names == then[seen].columns.names
    assert at_once.view(19).columns.names == ["n", "late_0"]


def marked(chance, owners, count):
    for n in range(count):
        x = {"n": n, "town": f"of {n % owners}"} if n % 3 else {"n": n}
        yield x, n, Mark(1 + n % owners, chance.getrandbits(64))


@pytest.mark.parametrize("count", [40, 500])
def test_what_remains_is_what_would_have_remained_without_the_erased(count):
    examples = list(marked(random.Random(4), 20, count))
    sample, never = Sample(60, seed=0), Sample(60, seed=0)
    for x, label, mark in examples:
        sample.add(x, label, mark)
        if mark.owner != 7:
            never.add(x, label, mark)
    gone = sample.forget({7})
    assert gone == len([m for _, _, m in sample_of(examples, 66) if m.owner == 7])
    kept, other = sample.view(sample.seen), never.view(never.seen)
    assert kept.labels == other.labels
    assert kept.columns.names == other.columns.names
    np.testing.assert_array_equal(kept.rows, other.rows)
    assert all(mark.owner != 7 for _, _, mark in sample.examples())
    assert "town=of 6" not in kept.columns.names


def sample_of(examples, size):
    return sorted(examples, key=lambda example: example[2].priority)[:size]


def test_where_many_are_erased_the_sample_stays_uniform():
    """What comes after an erasure is no likelier to be kept than what came before."""
    sample, chance = Sample(100, seed=0), random.Random(5)
    for n in range(1_000):
        sample.add({"n": n}, n, Mark(1 + n % 2, chance.getrandbits(64)))
    sample.forget({2})
    for n in range(1_000, 2_000):
        sample.add({"n": n}, n, Mark(3, chance.getrandbits(64)))
    labels = sample.view(2_000).labels
    late = sum(label >= 1_000 for label in labels)
    assert abs(late / len(labels) - 2 / 3) < 5 * (2 / 9 / len(labels)) ** 0.5


def test_examples_come_back_as_they_were():
    sample = Sample(10, seed=0)
    given = [({"a": 0.5, "kind": "x"}, 1), ({"b": 0.0}, True), ({"kind": "y", "a": -3.0}, "label")]
    for x, label in given:
        sample.add(x, label)
    assert [(x, label) for x, label, _ in sample.examples()] == given
