import random

import pytest

from stream_app.models.recommenders.decayed_counts import DAY_SECONDS, DecayedCounts


def ranked(counts: DecayedCounts) -> list[int]:
    return counts.leaders().numbers


def test_a_count_halves_with_the_half_life():
    counts = DecayedCounts(10, half_life_days=2.0, leaders=3)
    counts.add([1], counts.weigh(0.0))
    counts.add([2], counts.weigh(2 * DAY_SECONDS))
    numbers, weights = counts.leaders()
    assert numbers == [2, 1]
    assert weights[1] / weights[0] == pytest.approx(0.5)


def test_leaders_are_those_of_a_full_sort_whatever_comes_and_goes():
    draw = random.Random(3)
    counts = DecayedCounts(60, half_life_days=1.0, leaders=5)
    kept: list[tuple[int, float]] = []
    for turn in range(3_000):
        at = turn * 600.0
        number = min(int(draw.paretovariate(0.6)), 59)
        counts.add([number], counts.weigh(at))
        kept.append((number, at))
        if draw.random() < 0.4:
            gone, gone_at = kept.pop(draw.randrange(len(kept)))
            counts.subtract(gone, counts.weigh(gone_at))
        if draw.random() < 0.02:
            dropped = draw.choice(kept)[0]
            counts.drop(dropped)
            kept = [(number, at) for number, at in kept if number != dropped]
        if turn % 50 == 0:
            expected = [0.0] * 60
            for number, at in kept:
                expected[number] += 2 ** ((at - turn * 600.0) / DAY_SECONDS)
            best = sorted(range(60), key=lambda number: -expected[number])[:5]
            assert ranked(counts) == [number for number in best if expected[number]]


def test_years_without_an_overflow_keep_the_order():
    counts = DecayedCounts(9, half_life_days=1.0, leaders=2)
    counts.add([1], counts.weigh(0.0))
    for number in (2, 3, 4, 5, 6):
        counts.add([number], counts.weigh((195 + number) * DAY_SECONDS))
    counts.add([7], counts.weigh(257 * DAY_SECONDS))  # where the landmark moves
    assert ranked(counts) == [7, 6]
    counts.add([8], counts.weigh(1e6 * DAY_SECONDS))
    assert ranked(counts)[0] == 8
    assert max(counts.weights) <= 2.0**256


def test_a_late_occurrence_weighs_little_and_never_fails():
    counts = DecayedCounts(4, half_life_days=1.0, leaders=2)
    counts.add([1], counts.weigh(1e9))
    counts.add([2], counts.weigh(0.0))
    assert ranked(counts) == [1, 2]
