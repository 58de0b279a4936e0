import math
from collections import defaultdict

import pytest

from stream_app.models.recommenders.nearest_sessions import NearestSessions, NearestSessionsSettings

DAY = 86_400.0


def similarity(open_session: str, session: list[str], settings, sessions) -> float:
    latest_first = list(dict.fromkeys(reversed(open_session)))[: settings.matched_items]
    total = 0.0
    for steps_back, item in enumerate(latest_first):
        if item in session:
            clicks = sum(items.count(item) for items, _ in sessions)
            total += settings.match_decay**steps_back * math.log1p(len(sessions) / clicks)
    return total


@pytest.mark.parametrize("neighbours", [5, 1_000])
@pytest.mark.parametrize("open_session", ["a", "h", "ab", "hga", "aabca", "abcdefgh"])
def test_scores_are_those_of_an_exhaustive_search(
    index, sessions, candidates_of, shares, open_session, neighbours
):
    settings = NearestSessionsSettings(clicks_per_item=1_000, neighbours=neighbours)
    found = []
    for items, ended_at in sessions:
        match = similarity(open_session, items, settings, sessions)
        if match:
            found.append((match * 2 ** (ended_at / DAY / index.decay.session_half_life_days), items))
    expected: dict[str, float] = defaultdict(float)
    for match, items in sorted(found, key=lambda pair: -pair[0])[:neighbours]:
        for item in items:
            expected[item] += match
    assert candidates_of(NearestSessions(index, settings), open_session) == pytest.approx(shares(expected))


def test_only_the_most_recent_sessions_of_an_item_are_read(index, sessions, candidates_of, shares):
    settings = NearestSessionsSettings(clicks_per_item=1)
    items = [items for items, _ in sessions if "a" in items][-1]
    expected = shares({item: float(items.count(item)) for item in items})
    assert candidates_of(NearestSessions(index, settings), "a") == pytest.approx(expected)


def test_nothing_known_gives_nothing(index, candidates_of):
    source = NearestSessions(index)
    assert candidates_of(source, "") == {}
    assert candidates_of(source, "z") == {}


def test_a_query_leaves_nothing_for_the_next(index, candidates_of):
    source = NearestSessions(index)
    first = candidates_of(source, "ab")
    candidates_of(source, "hgf")
    assert candidates_of(source, "ab") == first
