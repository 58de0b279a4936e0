"""What the oracle tests have in common: their settings, and what counts as equal."""

import os
from collections.abc import Mapping, Sequence
from math import isclose, sqrt

import pytest
from hypothesis import settings

from stream_app.features.statistics import RunningStats

# More for a longer run than the suite's.
every_stream = settings(max_examples=int(os.environ.get("ORACLE_EXAMPLES", "25")), deadline=None)


def near(expected: object) -> object:
    """Equal but for the rounding of sums in another order."""
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def differing(
    told: Mapping[str, float | str], expected: Mapping[str, float | str]
) -> dict[str, tuple[float | str | None, float | str | None]]:
    """The features that are not near: each with what was told and what should have been."""
    pairs = {name: (told.get(name), expected.get(name)) for name in told.keys() | expected.keys()}
    return {name: pair for name, pair in pairs.items() if not _is_near(*pair)}


def _is_near(one: float | str | None, two: float | str | None) -> bool:
    if isinstance(one, str | None) or isinstance(two, str | None):
        return one == two
    return isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)


def told_stats(stats: RunningStats) -> tuple[float, ...]:
    """Count, mean, sample deviation, least and most, as the row tells them."""
    return (stats.count, stats.mean, stats.deviation, stats.low, stats.high)


def plain_stats(values: Sequence[float]) -> tuple[float, ...]:
    """The same from all values."""
    if not values:
        return (0, 0.0, 0.0, 0.0, 0.0)
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    return (len(values), mean, sqrt(squares / max(len(values) - 1, 1)), min(values), max(values))
