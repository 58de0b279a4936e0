"""The oracle's probabilities against the choices that were made."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy.stats import chisquare

from stream_app.simulation.oracle import ClickOracle, Market
from stream_app.simulation.settings import SimulationSettings

SETTINGS = SimulationSettings(users=50, days=5, seed=2, items=60)
AT = SETTINGS.start + timedelta(days=3, hours=5)


@pytest.fixture(scope="module")
def oracle() -> ClickOracle:
    return ClickOracle(SETTINGS)


@pytest.mark.parametrize("current", [None, "p00007"])
def test_choices_follow_the_stated_probabilities(oracle: ClickOracle, current: str | None) -> None:
    draw = np.random.default_rng(1)
    count = 40_000
    market = Market(oracle.catalogue, day=3)
    taste = np.repeat(oracle.population.taste[[4]], count, axis=0)
    if current is None:
        chosen = market.choose_entries(taste, draw)
    else:
        chosen, _ = market.choose_next(taste, np.full(count, oracle.item_ids.index(current)), draw)
    expected = count * oracle.click_probabilities("u0000004", current, AT)
    observed = np.bincount(chosen, minlength=SETTINGS.items)
    common = expected >= 5
    rare = (expected > 0) & ~common
    assert observed[expected == 0].sum() == 0
    cells = [(observed[common], expected[common]), (observed[rare].sum(), expected[rare].sum())]
    seen, foretold = (np.hstack(side) for side in zip(*cells, strict=True))
    assert chisquare(seen[foretold > 0], foretold[foretold > 0]).pvalue > 1e-4


def test_probabilities_cover_exactly_the_items_on_sale(oracle: ClickOracle) -> None:
    on_sale = oracle.catalogue.released_on <= 3
    probabilities = oracle.click_probabilities("u0000000", None, AT)
    assert probabilities.sum() == pytest.approx(1)
    assert not probabilities[~on_sale].any()
    assert oracle.click_probabilities("u0000000", "p00001", AT).sum() == pytest.approx(1)


def test_no_list_of_the_same_length_is_clicked_more_often_than_the_best(oracle: ClickOracle) -> None:
    best = oracle.click_rate("u0000009", "p00003", AT, oracle.best_items("u0000009", "p00003", AT, 5))
    draw = np.random.default_rng(0)
    for _ in range(200):
        shown = draw.choice(oracle.item_ids, 5, replace=False).tolist()
        assert oracle.click_rate("u0000009", "p00003", AT, shown) <= best


def test_an_item_shown_twice_counts_once_and_an_unknown_one_never(oracle: ClickOracle) -> None:
    once = oracle.click_rate("u0000001", "p00003", AT, ["p00003"])
    assert oracle.click_rate("u0000001", "p00003", AT, ["p00003", "p00003", "gone"]) == once


def test_tastes_differ_between_users(oracle: ClickOracle) -> None:
    first, second = (oracle.click_probabilities(user, None, AT) for user in ("u0000001", "u0000002"))
    assert np.abs(first - second).sum() > 0.1


def test_an_item_draws_more_on_the_day_of_its_release_than_a_week_on() -> None:
    long_run = ClickOracle(SimulationSettings(users=50, days=14, seed=2, items=100))
    released = long_run.catalogue.released_on
    fresh = int(np.flatnonzero((released > 0) & (released <= 4))[0])
    at = long_run.settings.start + timedelta(days=int(released[fresh]))
    first, later = (
        np.mean([long_run.click_probabilities(f"u{user:07d}", None, day)[fresh] for user in range(50)])
        for day in (at, at + timedelta(days=7))
    )
    assert first > 1.3 * later > 0


@pytest.mark.parametrize("user", ["u0000050", "nobody", ""])
def test_unknown_users_are_refused(oracle: ClickOracle, user: str) -> None:
    with pytest.raises(ValueError, match="not simulated"):
        oracle.click_probabilities(user, None, AT)


def test_written_visits_follow_the_oracle(written) -> None:
    """Hits of the oracle's ten best, over all clicks of a whole run, are as many as it foretells."""
    oracle = ClickOracle(written.settings)
    foretold, variance, hits, clicks = 0.0, 0.0, 0, 0
    for visit in written.truths["visit"][:1_500]:
        day = datetime.fromisoformat(visit["started_at"])
        for current, chosen in zip(visit["items"], visit["items"][1:], strict=False):
            probabilities = oracle.click_probabilities(visit["user_id"], current, day)
            best = np.argsort(-probabilities, kind="stable")[:10]
            rate = probabilities[best].sum()
            foretold, variance, clicks = foretold + rate, variance + rate * (1 - rate), clicks + 1
            hits += chosen in {oracle.item_ids[item] for item in best}
    assert clicks > 1_000
    assert abs(hits - foretold) < 4 * np.sqrt(variance)
