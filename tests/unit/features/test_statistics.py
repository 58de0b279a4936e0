from random import Random

import msgspec
import numpy as np
import pytest

from stream_app.features.statistics import MAX_CATEGORIES, OTHER, RunningStats, count_category, most_common


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_statistics_are_those_of_all_values(seed: int, offset: float) -> None:
    random = Random(seed)
    stats, values = RunningStats(), []
    for _ in range(200):
        values.append(offset + random.gauss(5, 20))
        stats.add(values[-1])
        assert (stats.count, stats.low, stats.high) == (len(values), min(values), max(values))
        assert stats.mean == pytest.approx(np.mean(values))
        expected = np.std(values, ddof=1) if len(values) > 1 else 0.0
        assert stats.deviation == pytest.approx(expected, rel=1e-6)


def test_whole_numbers_are_stored_as_they_are_read_back() -> None:
    stats = RunningStats()
    stats.add(3)
    stored = msgspec.msgpack.encode(stats)
    assert msgspec.msgpack.encode(msgspec.msgpack.decode(stored, type=RunningStats)) == stored


def test_categories_are_bounded_and_none_is_lost() -> None:
    shares: dict[str, int] = {}
    for number in range(100):
        count_category(shares, f"category-{number}")
        count_category(shares, "category-0")
    assert len(shares) == MAX_CATEGORIES + 1
    assert sum(shares.values()) == 200
    assert shares["category-0"] == 101
    assert shares[OTHER] == 100 - MAX_CATEGORIES
    assert most_common(shares) == "category-0"


def test_ties_go_to_the_first_name_whatever_the_order() -> None:
    assert most_common({"b": 2, "a": 2, "c": 1}) == most_common({"c": 1, "a": 2, "b": 2}) == "a"
    assert most_common({}) is None
