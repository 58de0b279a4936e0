import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests.samples import Sample, quantile, steady_rate
from load_tests.tally import tally


def test_the_rate_leaves_the_warm_up_and_the_end_out() -> None:
    looks = [
        Sample(0.0, 0.0, 0),
        Sample(10.0, 8.0, 150),  # connecting
        Sample(11.0, 8.5, 200),  # a fifth of the goal
        Sample(12.0, 9.0, 700),
        Sample(13.0, 9.5, 900),
        Sample(13.1, 9.5, 1_000),  # what was computed ahead
        Sample(99.0, 9.5, 1_000),
    ]
    rate = steady_rate(looks, 1_000)
    assert rate.per_second == 700 / 2
    assert rate.per_cpu_second == 700 / 1


@pytest.mark.parametrize(
    "looks", [[], [Sample(0, 0, 5)], [Sample(0, 0, 100)], [Sample(0, 0, 30), Sample(1, 1, 99)]]
)
def test_a_run_that_was_not_seen_whole_has_no_rate(looks: list[Sample]) -> None:
    with pytest.raises(ValueError, match="do not span"):
        steady_rate(looks, 100)


@given(st.lists(st.integers(-50, 50), min_size=1), st.sampled_from([0.0, 0.01, 0.5, 0.75, 0.99, 1.0]))
def test_a_quantile_is_the_first_value_that_enough_do_not_exceed(values: list[int], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    below = [value for value in values if value < found]
    assert not below or len(below) < share * len(values)


def test_the_median_of_an_odd_number_is_the_middle_one() -> None:
    values = [9, 1, 5, 3, 7]
    assert quantile(values, 0.5) == statistics.median(values)
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


@given(st.lists(st.binary(max_size=8), min_size=1), st.randoms())
def test_a_tally_tells_what_is_lost_doubled_or_changed_and_not_the_order(
    outputs: list[bytes], chance
) -> None:
    shuffled = outputs.copy()
    chance.shuffle(shuffled)
    assert tally(shuffled) == tally(outputs)
    assert tally(outputs[1:]) != tally(outputs)
    assert tally([*outputs, outputs[0]]) != tally(outputs)
    assert tally([outputs[0] + b"!", *outputs[1:]]) != tally(outputs)
    assert tally([*outputs[1:], b"another one that is in no list"]) != tally(outputs)
