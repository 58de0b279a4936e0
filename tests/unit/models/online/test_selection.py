import random

import numpy as np

from stream_app.models.online.selection import Rounds, chance_allowance, rank_features, shadow_scores

FEATURE_OF = np.array([0, 1, 2, 2, 2, 3, 4, 5, 6, 7])
ALIKE = np.zeros(8)


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


def test_the_features_that_matter_come_first_and_none_is_left_out():
    rows, targets = rows_of(300)
    ranked = rank_features(rows, targets, FEATURE_OF, np.arange(8), ALIKE, Rounds(8, seed=1))
    assert set(ranked[:2]) == {1, 2}
    assert sorted(ranked) == list(range(8))


def test_features_are_ranked_among_those_named():
    rows, targets = rows_of(300)
    ranked = rank_features(rows, targets, FEATURE_OF, np.array([6, 2, 0, 5]), ALIKE, Rounds(6, seed=1))
    assert ranked[0] == 2
    assert sorted(ranked) == [0, 2, 5, 6]


def test_a_feature_that_tells_nothing_is_no_better_than_its_shuffled_copies():
    rows, targets = rows_of(300)
    scores = shadow_scores(rows, targets, FEATURE_OF, Rounds(10, seed=2))
    assert max(scores[[0, 3, 4, 5, 6, 7]]) < 1.5 < 5 < min(scores[[1, 2]])


def test_the_same_seed_finds_the_same():
    rows, targets = rows_of(120)
    first, second = (
        rank_features(rows, targets, FEATURE_OF, np.arange(8), ALIKE, Rounds(4, seed=3)).tolist()
        for _ in range(2)
    )
    assert first == second


def test_what_has_an_allowance_must_score_the_higher():
    rows, targets = rows_of(300)
    allowance = ALIKE.copy()
    allowance[2] = np.inf
    ranked = rank_features(rows, targets, FEATURE_OF, np.arange(8), allowance, Rounds(8, seed=1))
    assert (ranked[0], ranked[-1]) == (1, 2)


def test_the_allowance_is_what_the_best_of_as_many_noise_scores_reaches():
    """Against the mean largest of n normal scores, drawn; the closed form is a little above it."""
    is_declared = np.arange(83) < 3
    allowance = chance_allowance(is_declared)
    draw = np.random.default_rng(1).standard_normal
    for kind, count in ((is_declared, 3), (~is_declared, 80)):
        assert len(set(allowance[kind])) == 1
        assert 0 < allowance[kind][0] - draw((4_000, count)).max(axis=1).mean() < 0.7
    assert chance_allowance(np.array([True]))[0] == 0.0
