import numpy as np
import pytest

from stream_app.models.recommenders.decayed_counts import DAY_SECONDS
from stream_app.models.recommenders.session_recency import MOST_HALF_LIVES, SessionRecency


def learned(times: list[float], half_life_days: float = 5.0) -> SessionRecency:
    ended_at = np.zeros(len(times))
    recency = SessionRecency(ended_at, half_life_days)
    for slot, time in enumerate(times):
        ended_at[slot] = time
        recency.weigh(slot, time)
    return recency


def test_a_session_weighs_half_of_one_that_ended_a_half_life_later():
    weights = learned([1e9, 1e9 + 5 * DAY_SECONDS, 1e9 - 10 * DAY_SECONDS]).weights
    assert weights / weights[0] == pytest.approx([1, 2, 0.25])


def test_the_ratios_survive_a_move_of_the_landmark():
    step = 5 * DAY_SECONDS * MOST_HALF_LIVES * 0.9
    recency = learned([0.0, step, step + 5 * DAY_SECONDS, 2 * step])
    assert recency.landmark == 2 * step
    assert recency.weights[2] / recency.weights[1] == pytest.approx(2)
    assert recency.weights[3] == 1.0


def test_no_weight_leaves_what_a_double_can_add_up():
    weights = learned([0.0, 1e15, 1.0, -1e15], half_life_days=1e-3).weights
    assert (weights > 0).all()
    assert np.isfinite(weights.sum() ** 1.5)


def test_restored_weights_are_the_same_to_the_last_bit():
    recency = learned([1e9 + 12_345.678 * turn for turn in range(50)])
    before = recency.weights.copy()
    recency.weights[:] = 0.0
    recency.restore(recency.landmark)
    assert recency.weights.tolist() == before.tolist()
