from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.planning.rfm import CUTS, LEAST_USERS, PERIOD, RfmScale, measures_of
from stream_app.planning.segments import SEGMENTS, RfmScores, segment_of


def test_every_combination_of_scores_has_one_segment_and_every_segment_occurs() -> None:
    found = {segment_of(RfmScores(*scores)) for scores in product(range(1, 6), repeat=3)}
    assert found == set(SEGMENTS)
    assert len(SEGMENTS) == 11


def test_the_recent_are_never_lost_and_the_absent_never_champions() -> None:
    for frequency, monetary in product(range(1, 6), repeat=2):
        assert segment_of(RfmScores(5, frequency, monetary)) not in {
            "Lost",
            "Hibernating",
            "At Risk",
            "Cant Lose",
        }
        assert segment_of(RfmScores(1, frequency, monetary)) not in {"Champions", "Loyal", "New", "Promising"}


def test_a_recent_visit_scores_a_high_recency() -> None:
    scale = RfmScale()
    for age in range(100):
        scale.learn(measures_of(1e9 - age * 86_400, 5, 0, 1e9), 1e9)
    assert scale.score(measures_of(1e9, 5, 0, 1e9)).recency == 5
    assert scale.score(measures_of(1e9 - 99 * 86_400, 5, 0, 1e9)).recency == 1


def test_cuts_are_the_percentiles_of_all_users() -> None:
    values = np.random.default_rng(3).gamma(2.0, 10.0, 20_000)
    scale = RfmScale()
    for value in values:
        scale.learn((-value, value, value), 0.0)
    assert scale.cuts()["monetary"] == pytest.approx(np.quantile(values, CUTS), rel=0.01)


def test_a_crowd_that_spent_nothing_scores_one() -> None:
    scale = RfmScale()
    for user in range(1_000):
        scale.learn((0.0, 1.0, 0.0 if user < 900 else float(user)), 0.0)
    assert scale.score((0.0, 1.0, 0.0)).monetary == 1
    assert scale.score((0.0, 1.0, 5_000.0)).monetary == 5


@pytest.mark.parametrize("users", [0, 1, LEAST_USERS - 1])
def test_too_few_users_are_all_in_the_middle(users: int) -> None:
    scale = RfmScale()
    for user in range(users):
        scale.learn((float(-user), float(user), float(user)), 0.0)
    assert scale.score((0.0, 100.0, 100.0)) == (3, 3, 3)


def test_what_lies_two_periods_back_counts_no_more() -> None:
    scale = RfmScale()
    for user in range(500):
        scale.learn((0.0, 1_000.0 + user, 0.0), 0.0)
    for period in (5, 6):
        for user in range(500):
            scale.learn((0.0, float(user), 0.0), period * PERIOD)
    assert scale.score((0.0, 499.0, 0.0)).frequency == 5


@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=LEAST_USERS, max_size=80),
    asked=st.floats(-1e9, 1e9),
    split=st.integers(0, 80),
)
def test_scales_that_are_merged_or_stored_score_as_one(values: list[float], asked: float, split: int) -> None:
    whole, first, second = RfmScale(), RfmScale(), RfmScale()
    for number, value in enumerate(values):
        whole.learn((value, value, value), 0.0)
        (first if number < split else second).learn((value, value, value), 0.0)
    first.merge(second)
    stored = RfmScale.from_json(whole.to_json())
    assert stored.score((asked, asked, asked)) == whole.score((asked, asked, asked))
    for merged, own in zip(first.cuts().values(), whole.cuts().values(), strict=True):
        assert merged == pytest.approx(own, rel=1e-9, abs=1e-6)
