from itertools import pairwise
from math import log2

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stream_app.models.judging.recommendation_scores import RankingScores
from stream_app.models.recommenders.judge import JUDGED_AT_FIRST, MOST_CONTESTANTS, JudgeState, StreamJudge
from stream_app.models.recommenders.prequential_scores import (
    WINDOW,
    PrequentialScores,
    PrequentialScoresState,
    traits_of,
)
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.surface import Surface
from stream_app.models.recommenders.surface_rules import SurfaceRules

rankings = st.lists(
    st.tuples(st.permutations("abcdefghijklmnopqrstuvwxyz"), st.integers(0, 20), st.sampled_from("abxyz")),
    max_size=20,
)
SHARES = {letter: (number + 1) / 500 for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}


TRAITS = {letter: traits_of(letter, share) for letter, share in SHARES.items()}


def add_all(scores: PrequentialScores, asked) -> None:
    for letters, length, clicked in asked:
        scores.add(letters[:length], clicked, TRAITS)


@given(rankings)
@hypothesis_settings(deadline=None, max_examples=40)
def test_overall_scores_are_those_of_the_offline_evaluation(asked):
    scores, offline = PrequentialScores(), RankingScores()
    add_all(scores, asked)
    for letters, length, clicked in asked:
        offline.add(letters[:length], clicked, SHARES.__getitem__)
    found, expected = scores.summary(26), offline.summary(26)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-3), name
        if "@" in name:
            assert found[f"recent_{name}"] == pytest.approx(value)


@given(rankings, rankings)
@hypothesis_settings(deadline=None, max_examples=40)
def test_scores_go_on_from_their_state(before, after):
    scores = PrequentialScores()
    add_all(scores, before)
    packed = msgspec.msgpack.encode(scores.to_state())
    resumed = PrequentialScores()
    resumed.restore(msgspec.msgpack.decode(packed, type=PrequentialScoresState))
    for one in (scores, resumed):
        add_all(one, after)
    assert resumed.summary(26) == scores.summary(26)
    assert resumed.to_state() == scores.to_state()


def test_recent_scores_forget_what_is_further_back() -> None:
    scores = PrequentialScores()
    for turn in range(3 * WINDOW):
        scores.add(["hit"], "hit" if turn < 2 * WINDOW else "miss", {"hit": traits_of("hit", 0.5)})
    found = scores.summary(1)
    assert found["hr@5"] == pytest.approx(2 / 3)
    assert found["recent_hr@5"] == found["recent_mrr@20"] == 0


def test_items_never_clicked_add_no_novelty() -> None:
    scores = PrequentialScores()
    scores.add(["new", "old"], "old", {"new": traits_of("new", 0.0), "old": traits_of("old", 0.25)})
    assert scores.summary(2)["novelty"] == -log2(0.25)
    assert scores.summary(2)["mrr@5"] == 0.5


def sampled(sessions: int) -> list[int]:
    judge = StreamJudge()
    return [
        number
        for number in range(sessions)
        if judge.sample(["a", "b", "c"], float(number), f"u{number}") is not None
    ]


def test_all_sessions_are_sampled_at_first_and_one_in_64_at_last() -> None:
    found = sampled(60_000)
    assert found[:JUDGED_AT_FIRST] == list(range(JUDGED_AT_FIRST))
    late = [number for number in found if number >= 64 * JUDGED_AT_FIRST]
    assert {later - earlier for earlier, later in pairwise(late)} == {64}


def test_a_surface_that_learns_factors_judges_more_sessions_at_first() -> None:
    with_factors, without = (Surface(rules=SurfaceRules(factorisation=on)) for on in (True, False))
    for number in range(300):
        for surface in (with_factors, without):
            surface.learn_session(["a", "b"], float(number), f"u{number}")
    assert with_factors.judge.positions == 300
    assert without.judge.positions == len(sampled(300)) < 200


def test_every_place_of_a_session_may_be_asked_for_and_the_same_always() -> None:
    judge, again = StreamJudge(), StreamJudge()
    places = []
    for number in range(JUDGED_AT_FIRST):
        position = judge.sample(["a", "b", "c"], float(number), "u")
        assert position == again.sample(["a", "b", "c"], float(number), "u")
        assert position is not None
        assert [*position.known, position.clicked] == ["a", "b", "c"][: len(position.known) + 1]
        places.append(len(position.known))
    fair = JUDGED_AT_FIRST / 3
    assert all(0.6 * fair < places.count(place) < 1.4 * fair for place in range(3))
    assert judge.sample([], 0.0, None) is None


def test_contestants_are_judged_side_by_side_and_capped() -> None:
    index = SessionIndex()
    index.learn_session(["a", "b"], 1.0)
    judge = StreamJudge()
    judge.score({"one": ["a", "b", "new"], "two": []}, "b", index)
    restored = StreamJudge()
    restored.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(judge.to_state()), type=JudgeState))
    for same in (judge, restored):
        assert same.positions == 1
        assert same.summary(2)["one"]["mrr@20"] == 0.5
        assert same.summary(2)["one"]["novelty"] == 1.0
        assert same.summary(2)["two"]["hr@20"] == 0
    with pytest.raises(ValueError, match="at most 32"):
        judge.score({f"rival {number}": [] for number in range(MOST_CONTESTANTS)}, "b", index)
