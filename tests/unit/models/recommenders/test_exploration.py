from collections import Counter

import msgspec
import pytest
from river import bandit

from stream_app.models.recommenders.exploration import (
    PRIOR_CLICKS,
    PRIOR_MISSES,
    BanditState,
    SourceBandit,
    chance,
    draw_offer,
    is_explored,
)

OFFERS = {"one": ["a", "b"], "two": ["b", "c", "d"], "three": ["e"]}


def taught() -> SourceBandit:
    policy = SourceBandit()
    for turn in range(200):
        policy.note_shown("two")
        if turn % 4 == 0:
            policy.note_clicked("two")
    return policy


def test_told_probabilities_are_the_frequencies_of_draws() -> None:
    policy, draws = taught(), 20_000
    told: dict[str, float] = {}
    drawn: Counter[str] = Counter()
    for seed in range(draws):
        found = draw_offer(OFFERS, policy, str(seed))
        assert told.setdefault(found.item_id, found.probability) == found.probability
        assert found.item_id in OFFERS[found.source]
        drawn[found.item_id] += 1
    assert sum(told.values()) == pytest.approx(1.0)
    for item, probability in told.items():
        assert drawn[item] / draws == pytest.approx(probability, abs=4 * (0.25 / draws) ** 0.5)


@pytest.mark.parametrize("sources", range(1, 20))
def test_what_all_sources_offer_is_drawn_with_certainty_and_no_more(sources: int) -> None:
    for policy in (SourceBandit(), taught()):
        found = draw_offer({f"{number}": ["item"] for number in range(sources)}, policy, "cause")
        assert found.probability == pytest.approx(1.0)
        assert found.probability <= 1.0


def test_propensities_follow_click_rates_and_starve_none() -> None:
    found = taught().propensities(["one", "two", "three"])
    rates = dict.fromkeys(found, PRIOR_CLICKS / (PRIOR_CLICKS + PRIOR_MISSES))
    rates["two"] = (PRIOR_CLICKS + 50) / (PRIOR_CLICKS + PRIOR_MISSES + 200)
    expected = {name: 0.2 / 3 + 0.8 * rate / sum(rates.values()) for name, rate in rates.items()}
    assert found == pytest.approx(expected)


def test_the_same_cause_draws_the_same_and_causes_differ() -> None:
    policy = taught()
    assert len({draw_offer(OFFERS, policy, "cause") for _ in range(5)}) == 1
    assert len({draw_offer(OFFERS, policy, str(seed)).item_id for seed in range(60)}) == 5
    assert chance("cause", "one") != chance("cause", "two")


def test_a_share_of_all_causes_explores() -> None:
    explored = sum(is_explored(str(seed), 0.1) for seed in range(10_000))
    assert explored / 10_000 == pytest.approx(0.1, abs=0.015)
    assert not any(is_explored(str(seed), 0.0) for seed in range(100))


def test_it_is_a_policy_of_river() -> None:
    policy = SourceBandit(seed=3)
    assert isinstance(policy, bandit.base.Policy)
    pulled: Counter[str] = Counter()
    for _ in range(2_000):
        arm = policy.pull(["good", "bad"])
        pulled[str(arm)] += 1
        policy.update(arm, arm == "good")
    assert pulled["good"] > 3 * pulled["bad"] > 0
    assert policy.ranking[0] == "good"


def test_old_observations_fade_and_state_goes_on() -> None:
    policy = taught()
    packed = msgspec.msgpack.encode(policy.to_state())
    restored = SourceBandit.from_state(msgspec.msgpack.decode(packed, type=BanditState))
    for same in (policy, restored):
        same.note_shown("one")
    assert restored.propensities(["one", "two"]) == policy.propensities(["one", "two"])
    for _ in range(30_000):
        policy.note_shown("two")
    clicks, misses = policy.to_state().rewards["two"]
    assert clicks + misses <= 10_001
