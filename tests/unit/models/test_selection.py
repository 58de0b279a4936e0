import random

import numpy as np

from models.selection import rank_columns, shadow_scores


def rows_of(count, seed=0):
    """A number and a category of three columns that matter, and six columns that do not."""
    chance = random.Random(seed)
    rows, targets = [], []
    for _ in range(count):
        number, kind = chance.random(), chance.randrange(3)
        rows.append([chance.random(), number, *(float(kind == n) for n in range(3)), *_noise(chance)])
        targets.append(int(number > 0.5) + 2 * (kind == 1))
    return np.array(rows, dtype=np.float32), np.array(targets, dtype=np.int32)


def _noise(chance):
    return [chance.random() for _ in range(5)]


def test_the_columns_that_matter_come_first_and_none_is_left_out():
    rows, targets = rows_of(300)
    ranked = rank_columns(rows, targets, seed=1)
    assert set(ranked[:2]) == {1, 3}
    assert sorted(ranked) == list(range(10))


def test_a_column_that_tells_nothing_is_no_better_than_its_shuffled_copies():
    rows, targets = rows_of(300)
    scores = shadow_scores(rows, targets, seed=2)
    assert max(scores[[0, 5, 6, 7, 8, 9]]) < 1.5 < 5 < min(scores[[1, 3]])


def test_the_same_seed_finds_the_same():
    rows, targets = rows_of(120)
    first, second = (rank_columns(rows, targets, seed=3) for _ in range(2))
    assert first == second
