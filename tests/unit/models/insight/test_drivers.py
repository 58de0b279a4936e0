import random

import pytest
from scipy.stats import binomtest

from stream_app.models.insight.drivers import (
    LEAST_GROUP,
    Case,
    Driver,
    feature_drivers,
    group_drivers,
    overall_rate,
)
from stream_app.models.judging.intervals import Rate, difference_interval


@pytest.mark.parametrize(("hits", "total"), [(0, 9), (3, 11), (50, 60), (7, 7), (400, 1_000)])
def test_the_interval_of_a_rate_is_wilsons(hits, total):
    expected = binomtest(hits, total).proportion_ci(method="wilson")
    assert Rate(hits, total).interval == pytest.approx((expected.low, expected.high))


def test_of_nothing_any_rate_may_be_true():
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert Rate(0, 0).share == 0.0


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # Newcombe, 1998, "Interval estimation for the difference between independent proportions", table II
        (Rate(56, 70), Rate(48, 80), (0.0524, 0.3339)),
        (Rate(9, 10), Rate(3, 10), (0.1705, 0.8090)),
        (Rate(5, 56), Rate(0, 29), (-0.0381, 0.1926)),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(first, second, expected):
    assert difference_interval(first, second) == pytest.approx(expected, abs=5e-5)


def cases(count=600, seed=0):
    """More pages and Firefox go with the outcome; age and the kind do not."""
    chance = random.Random(seed)
    for _ in range(count):
        pages, browser = chance.randrange(20), chance.choice(["Firefox", "Chrome", "Safari"])
        came_true = chance.random() < 0.2 + 0.4 * (pages > 9) + 0.2 * (browser == "Firefox")
        features = {"pages": float(pages), "age": chance.uniform(18, 70), "kind": chance.choice("ab")}
        seen = chance.sample(["home", "help", "shop", "terms"], 2)
        yield Case(features, {"browser": (browser,), "page": seen}, came_true)


def test_what_goes_with_the_outcome_comes_first_with_its_counts():
    known = list(cases())
    first, *others = feature_drivers(known)
    name, threshold = first.name.split(" > ")
    assert name == "pages"
    above = [case.came_true for case in known if case.features["pages"] > float(threshold)]
    assert first.inside == (sum(above), len(above))
    assert first.effect == pytest.approx(0.4, abs=0.15)
    assert first.sure_effect > 0.25
    assert all(driver.sure_effect < 0.1 for driver in others)


def test_groups_are_set_beside_all_others():
    known = list(cases())
    drivers = group_drivers(known, "browser")
    assert drivers[0].name == "Firefox"
    for driver in drivers:
        inside = [case.came_true for case in known if driver.name in case.groups["browser"]]
        outside = [case.came_true for case in known if driver.name not in case.groups["browser"]]
        assert driver.inside == (sum(inside), len(inside))
        assert driver.outside == (sum(outside), len(outside))


def test_a_user_may_belong_to_several_groups_and_counts_once_in_each():
    known = [Case({}, {"page": ("home", "home", "help")}, True)] * 20 + [
        Case({}, {"page": ("help",)}, False)
    ] * 20
    found = {driver.name: driver for driver in group_drivers([*known, Case({}, {}, True)] * 10, "page")}
    assert found["home"].inside == (200, 200)
    assert found["help"].inside == (200, 400)
    assert found["help"].outside == (10, 10)


def test_a_small_group_is_left_out_however_striking():
    known = [*cases(100), *[Case({"rare": "yes"}, {"page": ("secret",)}, True)] * (LEAST_GROUP - 1)]
    assert "secret" not in {driver.name for driver in group_drivers(known, "page")}
    assert all("rare" not in driver.name for driver in feature_drivers(known))


def test_chance_is_no_sure_effect():
    chance = random.Random(3)
    known = [Case({"x": chance.random()}, {}, chance.random() < 0.5) for _ in range(500)]
    assert feature_drivers(known)[0].sure_effect == 0.0
    assert overall_rate(known).total == 500


def test_an_effect_that_lowers_the_rate_is_as_sure_as_one_that_raises_it():
    up, down = Driver("up", Rate(80, 100), Rate(20, 100)), Driver("down", Rate(20, 100), Rate(80, 100))
    assert up.sure_effect == pytest.approx(down.sure_effect)
    assert down.effect == pytest.approx(-0.6)
