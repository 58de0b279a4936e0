from collections import defaultdict

import pytest

from models.recommenders import IndexLimits, SessionIndex
from models.recommenders.item_walk import ItemWalk, ItemWalkSettings
from models.recommenders.sequential_rules import SequentialRules, SequentialRulesSettings

DAY = 86_400.0
ALL = SequentialRulesSettings(clicks=1_000)


def brute_force_rules(item, sessions, settings, half_life_days) -> dict[str, float]:
    weights: dict[str, float] = defaultdict(float)
    for items, ended_at in sessions:
        recency = 2 ** (ended_at / DAY / half_life_days)
        for here, clicked in enumerate(items):
            for there, other in enumerate(items):
                distance = there - here
                if clicked == item and 0 < abs(distance) <= settings.reach:
                    direction = 1.0 if distance > 0 else settings.backward_weight
                    weights[other] += recency * direction / abs(distance)
    return weights


@pytest.mark.parametrize("settings", [ALL, SequentialRulesSettings(1_000, reach=1, backward_weight=0.0)])
@pytest.mark.parametrize("item", "ach")
def test_rules_are_those_of_all_pairs_of_clicks(index, sessions, candidates_of, shares, item, settings):
    expected = brute_force_rules(item, sessions, settings, index.decay.session_half_life_days)
    assert candidates_of(SequentialRules(index, settings), "b" + item) == pytest.approx(shares(expected))


def test_a_new_click_is_in_the_next_answer(index, candidates_of):
    rules = SequentialRules(index)
    assert "new" not in candidates_of(rules, "a")
    index.learn_session(["a", "new"], 1e6)
    assert "new" in candidates_of(rules, "a")


def test_an_erased_session_is_in_no_later_answer(index, candidates_of):
    rules = SequentialRules(index)
    before = candidates_of(rules, "a")
    index.learn_session(["a", "b", "private"], 1e6, owner="ann")
    assert "private" in candidates_of(rules, "a")
    index.forget("ann")
    assert candidates_of(rules, "a") == pytest.approx(before)


def test_an_evicted_item_is_in_no_later_answer():
    index = SessionIndex(IndexLimits(items=3))
    rules = SequentialRules(index)
    for items in (["b", "a"], ["a"], ["c"]):
        index.learn_session(items, 1.0)
    number = index.item_numbers["a"]
    assert rules.rules_from([number])[0].items.tolist() == [index.item_numbers["b"]]
    index.learn_session(["d"], 1.0)  # takes the place, and the number, of "b"
    assert rules.rules_from([number])[0].items.tolist() == []


def test_fan_out_keeps_the_heaviest_rules(index, candidates_of):
    everything = candidates_of(SequentialRules(index, ALL), "a")
    few = candidates_of(SequentialRules(index, SequentialRulesSettings(clicks=1_000, fan_out=3)), "a")
    assert set(few) == set(sorted(everything, key=everything.__getitem__)[-3:])
    assert sum(few.values()) == pytest.approx(1)


def test_the_cache_is_bounded_and_answers_stay_right(index, candidates_of):
    rules = SequentialRules(index, SequentialRulesSettings(cached_items=2))
    fresh = {item: candidates_of(SequentialRules(index), item) for item in "abcde"}
    for _ in range(2):
        assert {item: candidates_of(rules, item) for item in "abcde"} == fresh
        assert rules.cached_items <= 2


def test_a_walk_of_two_steps_multiplies_the_rules(index, candidates_of, shares):
    rules = SequentialRules(index, ALL)
    walk = ItemWalk(rules, ItemWalkSettings(start_items=2, start_decay=0.5, width=100))
    expected: dict[str, float] = defaultdict(float)
    for start, share in (("c", 2 / 3), ("b", 1 / 3)):
        for middle, first in candidates_of(rules, start).items():
            for end, second in candidates_of(rules, middle).items():
                expected[end] += share * first * second
    assert candidates_of(walk, "abc") == pytest.approx(expected)


def test_a_walk_goes_on_from_the_likeliest_items_only(index, candidates_of):
    rules = SequentialRules(index, ALL)
    first = candidates_of(rules, "a")
    likeliest = max(first, key=first.__getitem__)
    walk = ItemWalk(rules, ItemWalkSettings(start_items=1, width=1))
    assert candidates_of(walk, "a") == pytest.approx(candidates_of(rules, likeliest))


def test_a_walk_from_nowhere_leads_nowhere(index, candidates_of):
    assert candidates_of(ItemWalk(SequentialRules(index)), "") == {}
