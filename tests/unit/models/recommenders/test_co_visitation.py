import math
from collections import Counter, defaultdict

import pytest

from stream_app.models.recommenders import Blend, SessionIndex
from stream_app.models.recommenders.co_visitation import CoVisitation, CoVisitationSettings

DAY = 86_400.0


def test_scores_are_decayed_cosines(index, sessions, candidates_of, shares):
    clicks = Counter(item for items, _ in sessions for item in items)
    expected: dict[str, float] = defaultdict(float)
    for items, ended_at in sessions:
        for item in items:
            if item != "c":
                weight = 2 ** (ended_at / DAY / index.decay.session_half_life_days)
                expected[item] += items.count("c") * weight / math.sqrt(clicks[item])
    source = CoVisitation(CoVisitationSettings(clicks=1_000, least_clicks=1))
    assert candidates_of(source, "abc") == pytest.approx(shares(expected))


def test_neighbours_are_ranked_and_never_the_item_itself():
    blend = Blend(SessionIndex())
    for session in ("xy", "xy", "xz", "xx"):
        blend.learn_session(list(session), 1.0)
    neighbours = blend.neighbours("x", 5)
    assert [item.item_id for item in neighbours] == ["y", "z"]
    assert neighbours[0].score == pytest.approx(2 / 3)
    assert blend.neighbours("x", 1) == neighbours[:1]
    assert blend.neighbours("unknown", 5) == []
