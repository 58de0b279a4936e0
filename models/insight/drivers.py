"""What is associated with an outcome: its rate among users with a trait and among those without."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from stream_app.models.features import Features
from stream_app.models.judging.intervals import Rate, difference_interval

LEAST_GROUP = 10  # smaller groups say nothing about their rate
MOST_GROUPS = 40


class Case(NamedTuple):
    """One user at a moment, and whether the outcome came true afterwards.

    `groups` are the named groups that the user belongs to, such as {"browser": ("Firefox",)}.
    """

    features: Features
    groups: Mapping[str, Sequence[str]]
    came_true: bool


class Driver(NamedTuple):
    """A group of users: how often the outcome came true inside and outside it, and the difference."""

    name: str
    inside: Rate
    outside: Rate

    @property
    def effect(self) -> float:
        """The share inside minus the share outside."""
        return self.inside.share - self.outside.share

    @property
    def effect_interval(self) -> tuple[float, float]:
        """The effect's 95 % interval."""
        return difference_interval(self.inside, self.outside)

    @property
    def sure_effect(self) -> float:
        """The part of the effect that is beyond chance: 0.0 if its interval contains 0."""
        low, high = self.effect_interval
        return max(low, -high, 0.0)


def overall_rate(cases: Sequence[Case]) -> Rate:
    """Return how often the outcome came true."""
    return Rate(sum(case.came_true for case in cases), len(cases))


def feature_drivers(cases: Sequence[Case]) -> list[Driver]:
    """Return, for each feature, the users above its median (a number) or with each value (a category).

    The most certain effect comes first. An association need not be a cause.
    """
    numbers: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    categories: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for case in cases:
        for name, value in case.features.items():
            if isinstance(value, str):
                categories[name].append((value, case.came_true))
            elif isfinite(value):
                numbers[name].append((value, case.came_true))
    drivers = [_above_median(name, known) for name, known in numbers.items()]
    for name, known in categories.items():
        drivers += _by_value([(f"{name} = {value}", came_true) for value, came_true in known])
    return _surest_first(drivers)


def group_drivers(cases: Sequence[Case], dimension: str) -> list[Driver]:
    """Return the groups of one dimension, each compared with all other users; most certain effect first."""
    members: list[tuple[str, bool]] = []
    for case in cases:
        members += [(group, case.came_true) for group in dict.fromkeys(case.groups.get(dimension, ()))]
    return _surest_first(_by_value(members, overall_rate(cases)))


def _above_median(name: str, known: Sequence[tuple[float, bool]]) -> Driver:
    median = float(np.median([value for value, _ in known]))
    inside = [came_true for value, came_true in known if value > median]
    outside = [came_true for value, came_true in known if value <= median]
    return Driver(f"{name} > {median:.4g}", Rate(sum(inside), len(inside)), Rate(sum(outside), len(outside)))


def _by_value(known: Iterable[tuple[str, bool]], overall: Rate | None = None) -> list[Driver]:
    """Compare each value with all others of `overall`, by default everything known."""
    counts, hits = Counter[str](), Counter[str]()
    for value, came_true in known:
        counts[value] += 1
        hits[value] += came_true
    everyone = overall or Rate(hits.total(), counts.total())
    return [
        Driver(value, Rate(hits[value], count), Rate(everyone.hits - hits[value], everyone.total - count))
        for value, count in counts.most_common(MOST_GROUPS)
    ]


def _surest_first(drivers: Iterable[Driver]) -> list[Driver]:
    told = [driver for driver in drivers if min(driver.inside.total, driver.outside.total) >= LEAST_GROUP]
    return sorted(told, key=lambda driver: (-driver.sure_effect, -abs(driver.effect), driver.name))
