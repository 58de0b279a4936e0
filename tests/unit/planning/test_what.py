import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.planning.keyed import keyed_share
from stream_app.planning.what import LEAST_PROPENSITY, choose, difference_scores, propensities_of

chances = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=12).map(np.array)


@given(chances=chances)
def test_probabilities_are_exact_and_never_too_small_to_be_judged(chances: np.ndarray) -> None:
    found = propensities_of(chances, chances)
    assert found.sum() == pytest.approx(1.0)
    assert found.min() >= LEAST_PROPENSITY - 1e-12
    assert (
        (np.argsort(found) == np.argsort(chances)).all() or len(set(chances)) < len(chances) or len(found) > 1
    )


def test_the_scores_are_relative_to_the_others() -> None:
    values = np.array([0.3, 0.2, 0.1])
    assert difference_scores(values, values) == pytest.approx([1.0, 0.0, -0.6])
    assert difference_scores(values * 2, values * 2) == pytest.approx(difference_scores(values, values))


def test_choices_fall_as_their_probabilities_say() -> None:
    propensities = np.array([0.5, 0.3, 0.2])
    counts = np.zeros(3)
    for number in range(20_000):
        counts[choose(propensities, keyed_share("test", str(number)))] += 1
    assert counts / 20_000 == pytest.approx(propensities, abs=0.015)


@given(draw=st.floats(0, 1, exclude_max=True), chances=chances)
def test_every_draw_falls_on_a_type(draw: float, chances: np.ndarray) -> None:
    assert 0 <= choose(propensities_of(chances, chances), draw) < len(chances)
