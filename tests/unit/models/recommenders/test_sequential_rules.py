from collections import defaultdict

import pytest

from stream_app.models.recommenders import IndexLimits, SessionIndex
from stream_app.models.recommenders.item_walk import ItemWalk, ItemWalkSettings
from stream_app.models.recommenders.sequential_rules import SequentialRules, SequentialRulesSettings
from stream_app.models.recommenders.session_index import REACH

DAY = 86_400.0
ALL = SequentialRulesSettings(clicks=1_000)
FROM_LAST = SequentialRulesSettings(clicks=1_000, start_items=1)


def brute_force_rules(item, sessions, settings, half_life_days) -> dict[str, float]:
    weights: dict[str, float] = defaultdict(float)
    for items, ended_at in sessions:
        recency = 2 ** (ended_at / DAY / half_life_days)
        for here, clicked in enumerate(items):
            for there, other in enumerate(items):
                distance = there - here
                if clicked == item and 0 < abs(distance) <= REACH:
                    direction = 1.0 if distance > 0 else settings.backward_weight
                    weights[other] += recency * direction / abs(distance)
    return weights


@pytest.mark.parametrize("backward_weight", [0.6, 0.0])
@pytest.mark.parametrize("item", "ach")
def test_rules_are_those_of_all_pairs_of_clicks(
    index, sessions, candidates_of, shares, item, backward_weight
):
    settings = SequentialRulesSettings(1_000, backward_weight, start_items=1)
    expected = brute_force_rules(item, sessions, settings, index.decay.session_half_life_days)
    expected = {other: weight for other, weight in expected.items() if weight}
    assert candidates_of(SequentialRules(settings), "b" + item) == pytest.approx(shares(expected))


def test_rules_are_from_the_last_distinct_items_with_decaying_weights(index, candidates_of):
    rules = SequentialRules(SequentialRulesSettings(1_000, start_items=2, start_decay=0.5))
    expected: dict[str, float] = defaultdict(float)
    for start, share in (("c", 2 / 3), ("b", 1 / 3)):
        for item, score in candidates_of(SequentialRules(FROM_LAST), start).items():
            expected[item] += share * score
    assert candidates_of(rules, "abcc") == pytest.approx(expected)


def test_only_the_most_recent_clicks_are_read(candidates_of):
    index = SessionIndex()
    for follower in "vwxyz":
        index.learn_session(["a", follower], 1.0)
    assert set(candidates_of(SequentialRules(SequentialRulesSettings(clicks=2)), "a", index)) == {"y", "z"}


def test_a_new_click_is_in_the_next_answer(index, candidates_of):
    rules = SequentialRules()
    assert "new" not in candidates_of(rules, "a")
    index.learn_session(["a", "new"], 1e6)
    assert "new" in candidates_of(rules, "a")


def test_an_erased_session_is_in_no_later_answer(index, candidates_of):
    rules = SequentialRules()
    before = candidates_of(rules, "a")
    index.learn_session(["a", "b", "private"], 1e6, owner="ann")
    assert "private" in candidates_of(rules, "a")
    index.forget("ann")
    assert candidates_of(rules, "a") == pytest.approx(before)


def test_an_evicted_item_is_in_no_later_answer(candidates_of):
    index = SessionIndex(IndexLimits(items=3))
    rules = SequentialRules()
    for items in (["b", "a"], ["a"], ["c"]):
        index.learn_session(items, 1.0)
    assert set(candidates_of(rules, "a", index)) == {"b"}
    index.learn_session(["d"], 1.0)  # takes the place, and the number, of "b"
    assert candidates_of(rules, "a", index) == {}


def rules_to_others(candidates_of, shares, item: str) -> dict[str, float]:
    found = candidates_of(SequentialRules(FROM_LAST), item)
    return shares({other: score for other, score in found.items() if other != item})


def test_a_walk_of_two_steps_multiplies_the_rules_to_other_items(index, candidates_of, shares):
    start = SequentialRules(SequentialRulesSettings(1_000, start_items=2, start_decay=0.5))
    walk = ItemWalk(start, ItemWalkSettings(width=100, clicks=1_000))
    expected: dict[str, float] = defaultdict(float)
    for middle, first in candidates_of(start, "abc").items():
        for end, second in rules_to_others(candidates_of, shares, middle).items():
            expected[end] += first * second
    assert candidates_of(walk, "abc") == pytest.approx(expected)


def test_a_walk_goes_on_from_the_likeliest_items_only(index, candidates_of, shares):
    rules = SequentialRules(FROM_LAST)
    first = candidates_of(rules, "a")
    likeliest = max(first, key=first.__getitem__)
    walk = ItemWalk(rules, ItemWalkSettings(width=1, clicks=1_000))
    assert candidates_of(walk, "a") == pytest.approx(rules_to_others(candidates_of, shares, likeliest))


def test_a_walk_from_nowhere_leads_nowhere(index, candidates_of):
    assert candidates_of(ItemWalk(SequentialRules()), "") == {}
