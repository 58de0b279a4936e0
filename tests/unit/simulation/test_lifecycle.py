"""The stated probabilities against what then happens to many independent users."""

import numpy as np
import pytest

from stream_app.simulation.catalogue import Catalogue
from stream_app.simulation.lifecycle import Lifecycle, Outlook
from stream_app.simulation.population import Population
from stream_app.simulation.settings import SimulationSettings

SETTINGS = SimulationSettings(users=60_000, days=20, seed=3, items=24)
FORESEEN_ON = 10
Z_LIMIT = 4.0


class Lived:
    def __init__(self) -> None:
        population = Population(SETTINGS, Catalogue(SETTINGS))
        lifecycle = Lifecycle(SETTINGS, population)
        for day in range(FORESEEN_ON):
            lifecycle.live_through(day)
        self.known = population.joined_on < FORESEEN_ON
        self.was_present = lifecycle.is_present.copy()
        self.outlook: Outlook = lifecycle.foresee(FORESEEN_ON)
        self.returned = np.zeros((SETTINGS.users, len(SETTINGS.horizons)), dtype=bool)
        self.bought = np.zeros_like(self.returned)
        for ahead in range(SETTINGS.horizons[-1]):
            plan = lifecycle.live_through(FORESEEN_ON + ahead)
            open_horizons = [place for place, days in enumerate(SETTINGS.horizons) if ahead < days]
            for place in open_horizons:
                self.returned[plan.session_user, place] = True
                self.bought[plan.session_user[plan.buys], place] = True


@pytest.fixture(scope="module")
def lived() -> Lived:
    return Lived()


def assert_calibrated(stated: np.ndarray, happened: np.ndarray) -> None:
    """In each tenth by stated probability, and overall, no more surprise than chance explains."""
    order = np.argsort(stated)
    for group in [order, *np.array_split(order, 10)]:
        spread = np.sqrt((stated[group] * (1 - stated[group])).sum())
        surprise = (happened[group].sum() - stated[group].sum()) / spread
        assert abs(surprise) < Z_LIMIT, (len(group), stated[group].mean(), happened[group].mean())


@pytest.mark.parametrize("place", range(len(SETTINGS.horizons)))
def test_returns_happen_as_often_as_stated(lived: Lived, place: int) -> None:
    assert_calibrated(lived.outlook.returning[lived.known, place], lived.returned[lived.known, place])


@pytest.mark.parametrize("place", range(len(SETTINGS.horizons)))
def test_orders_happen_as_often_as_stated(lived: Lived, place: int) -> None:
    assert_calibrated(lived.outlook.buying[lived.known, place], lived.bought[lived.known, place])


def test_users_are_still_there_as_often_as_stated(lived: Lived) -> None:
    assert_calibrated(lived.outlook.presence[lived.known], lived.was_present[lived.known])


def test_longer_horizons_hold_shorter_ones(lived: Lived) -> None:
    for probabilities in (lived.outlook.returning, lived.outlook.buying):
        assert (np.diff(probabilities, axis=1) >= 0).all()
        assert (probabilities <= lived.outlook.presence[:, None]).all()


def test_users_who_have_left_do_not_come_back(lived: Lived) -> None:
    assert not lived.returned[lived.known & ~lived.was_present].any()
