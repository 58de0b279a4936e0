from math import prod
from random import Random

import pytest

from stream_app.features.interests import (
    FACETS,
    HALF_LIFE,
    MAX_NAME_LENGTH,
    MAX_NAMES,
    Interests,
    add_interest,
    affinities,
    interest_in,
    merge_interests,
    strongest_interest,
)

NOW = 1.7e9
Given = tuple[str, float, float]


def brute_force(given: list[Given], at: float) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, weight, given_at in given:
        sums[name] = sums.get(name, 0.0) + weight * 0.5 ** ((at - given_at) / HALF_LIFE)
    return sums


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("span", [HALF_LIFE / 10, 5 * HALF_LIFE, 300 * HALF_LIFE])
def test_affinities_are_the_decayed_sums_of_all_weights_in_any_order(seed: int, span: float) -> None:
    random, interests, given = Random(seed), Interests(), []
    for _ in range(100):
        name, weight = f"n{random.randrange(MAX_NAMES)}", random.choice([1.0, 3.0, 5.0])
        given.append((name, weight, NOW + random.uniform(0, span)))
        add_interest(interests, 1, [name], weight, given[-1][2])
    at = NOW + span
    expected = brute_force(given, at)
    found = affinities(interests, 1, at)
    assert found.keys() <= expected.keys()
    assert found | dict.fromkeys(expected.keys() - found.keys(), 0.0) == pytest.approx(
        expected, rel=1e-6, abs=1e-12
    )
    assert list(found.values()) == sorted(found.values(), reverse=True)
    name, weight = strongest_interest(interests, 1, at)
    assert found[name] == pytest.approx(weight)
    assert weight == pytest.approx(max(found.values()))


def test_interest_halves_with_each_half_life() -> None:
    interests = Interests()
    add_interest(interests, 0, ["shoes"], 4.0, NOW)
    assert affinities(interests, 0, NOW + 2 * HALF_LIFE) == {"shoes": pytest.approx(1.0)}
    assert strongest_interest(interests, 1, NOW) is None


def test_of_too_many_names_the_weakest_makes_room() -> None:
    interests = Interests()
    for number in range(MAX_NAMES):
        add_interest(interests, 0, [f"n{number}"], 1.0 + number, NOW)
    add_interest(interests, 0, ["new"], 1.0, NOW)
    assert set(affinities(interests, 0, NOW)) == {"new", *(f"n{number}" for number in range(1, MAX_NAMES))}


@pytest.mark.parametrize("name", ["", "x" * (MAX_NAME_LENGTH + 1)])
def test_names_that_are_none_are_passed_over(name: str) -> None:
    interests = Interests()
    add_interest(interests, 0, [name, "shoes"], 1.0, NOW)
    assert affinities(interests, 0, NOW) == {"shoes": pytest.approx(1.0)}


@pytest.mark.parametrize("apart", [0.0, 3 * HALF_LIFE, 200 * HALF_LIFE])
@pytest.mark.parametrize("is_first_older", [True, False])
def test_merged_interests_are_those_of_one_user(apart: float, is_first_older: bool) -> None:
    begun = [NOW, NOW + apart] if is_first_older else [NOW + apart, NOW]
    users, given = [Interests(), Interests()], []
    for user, at in zip(users, begun, strict=True):
        for step, name in enumerate(["a", "b", "a"]):
            add_interest(user, 2, [name], 1.0 + step, at + step)
            given.append((name, 1.0 + step, at + step))
    merge_interests(*users)
    at = NOW + apart + 10
    assert affinities(users[0], 2, at) == pytest.approx(brute_force(given, at), rel=1e-6, abs=1e-12)


def test_interest_in_the_unseen_joins_the_shares_of_its_names_and_says_why() -> None:
    interests = Interests()
    add_interest(interests, 0, ["shoes"], 3.0, NOW)
    add_interest(interests, 0, ["hats"], 1.0, NOW)
    add_interest(interests, 1, ["acme"], 1.0, NOW)
    score, reasons = interest_in(interests, {"category": ["shoes", "bags"], "brand": ["acme"]}, NOW)
    shares = {("category", "shoes"): 3 / 5, ("brand", "acme"): 1 / 2}
    assert [(reason.facet, reason.name) for reason in reasons] == list(shares)
    assert [reason.share for reason in reasons] == pytest.approx(list(shares.values()))
    assert score == pytest.approx(1 - prod(1 - share for share in shares.values()))
    assert interest_in(interests, {"category": ["bags"], "tag": ["shoes"]}, NOW) == (0.0, [])


def test_interest_lies_between_none_and_all() -> None:
    interests = Interests()
    for facet, name in enumerate(FACETS):
        add_interest(interests, facet, [name], 1e9, NOW)
    score, reasons = interest_in(interests, {name: [name] for name in FACETS}, NOW)
    assert 0.99 < score <= 1.0
    assert len(reasons) == len(FACETS)
    assert interest_in(Interests(), {name: [name] for name in FACETS}, NOW) == (0.0, [])
