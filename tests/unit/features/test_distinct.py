from random import Random
from statistics import mean

import pytest

from stream_app.features.distinct import BITS, bit_of, estimate_distinct


def bits_of(values: list[str]) -> int:
    bits = 0
    for value in values:
        bits |= bit_of(value)
    return bits


def test_the_same_value_has_the_same_bit_on_every_machine() -> None:
    assert [bit_of(value).bit_length() for value in ("item-1", "/shoes", "é")] == [44, 38, 4]


@pytest.mark.parametrize(("count", "tolerance"), [(1, 0.01), (10, 0.15), (64, 0.2), (150, 0.3)])
def test_estimates_are_near_the_truth_and_right_on_average(count: int, tolerance: float) -> None:
    random, estimates = Random(count), []
    for _ in range(200):
        values = [f"{random.random()}" for _ in range(count)]
        estimates.append(estimate_distinct(bits_of(values * 3)))
    assert mean(estimates) == pytest.approx(count, rel=0.1)
    within = sum(abs(estimate - count) <= tolerance * count for estimate in estimates)
    assert within >= 0.85 * len(estimates)


def test_sets_that_are_joined_count_what_both_hold_once() -> None:
    both, left, right = (bits_of([f"{name}{number}" for number in range(12)]) for name in "blr")
    assert estimate_distinct((both | left) | (both | right)) == estimate_distinct(both | left | right)


def test_estimates_grow_with_the_bits_and_end_at_all_of_them() -> None:
    estimates = [estimate_distinct((1 << count) - 1) for count in range(BITS + 1)]
    assert estimates[0] == 0
    assert estimates[:BITS] == sorted(set(estimates[:BITS]))
    assert estimates[BITS - 1] == estimates[BITS] < 300
