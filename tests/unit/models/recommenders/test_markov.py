from collections import Counter

import pytest

from stream_app.models.recommenders import Blend, SessionIndex
from stream_app.models.recommenders.markov import MarkovChain, MarkovSettings

DAY = 86_400.0


def continuations(context: str, sessions, half_life_days: float) -> Counter:
    found: Counter = Counter()
    for items, ended_at in sessions:
        for end in range(len(context), len(items)):
            if items[end - len(context) : end] == list(context):
                found[items[end]] += 2 ** ((ended_at - sessions[-1][1]) / DAY / half_life_days)
    return found


@pytest.mark.parametrize("session", ["a", "ab", "hab", "cca", "hhh"])
def test_probabilities_back_off_by_evidence(index, sessions, candidates_of, session):
    settings = MarkovSettings(order=3, evidence=2.0)
    probabilities: dict[str, float] = {}
    for order in (1, 2, 3):
        if order > len(session):
            break
        counts = continuations(session[-order:], sessions, index.decay.session_half_life_days)
        observed = sum(counts.values())
        if not observed:
            break
        scale = 2 ** ((sessions[-1][1] - latest(session[-1], sessions)) / DAY / 5.0)
        trust = 1.0 if order == 1 else observed * scale / (observed * scale + settings.evidence)
        probabilities = {
            item: (1 - trust) * probabilities.get(item, 0) + trust * counts[item] / observed
            for item in {*probabilities, *counts}
        }
    assert candidates_of(MarkovChain(settings), session) == pytest.approx(probabilities)


def latest(item: str, sessions) -> float:
    return max(ended_at for items, ended_at in sessions if item in items)


def test_order_one_is_the_first_order_chain(index, sessions, candidates_of, shares):
    expected = shares(continuations("b", sessions, index.decay.session_half_life_days))
    assert candidates_of(MarkovChain(MarkovSettings(order=1)), "cab") == pytest.approx(expected)


def test_an_item_that_only_ends_sessions_is_followed_by_nothing():
    blend = Blend(SessionIndex())
    blend.learn_session(["a", "z"], 1.0)
    assert blend.next_clicks(["z"], 3) == []
    assert blend.next_clicks([], 3) == []
    assert blend.next_clicks(["unknown"], 3) == []


def test_next_clicks_are_the_likeliest_path_and_not_the_greedy_one():
    blend = Blend(SessionIndex())
    for count, session in [(3, "asv"), (3, "asw"), (3, "asx"), (8, "atz"), (1, "az")]:
        for _ in range(count):
            blend.learn_session(list(session), 1.0)
    path = blend.next_clicks(["a"], 2)
    assert [click.item_id for click in path] == ["t", "z"]
    assert [click.probability for click in path] == pytest.approx([8 / 18, 1.0])


def test_a_path_ends_where_nothing_is_known_to_follow():
    blend = Blend(SessionIndex())
    blend.learn_session(["a", "b", "c"], 1.0)
    assert [click.item_id for click in blend.next_clicks(["a"], 9)] == ["b", "c"]
