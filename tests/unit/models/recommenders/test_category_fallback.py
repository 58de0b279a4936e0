from collections import defaultdict

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stream_app.models.recommenders.category_fallback import CategoryFallback, FallbackSettings, FallbackState
from stream_app.models.recommenders.context import Context, context_at

DAY = 86_400.0
CATEGORIES = {"a": "x", "b": "x", "c": "y", "d": None}
PHONE = Context("phone", "night", "DE")
sessions = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=4),
        st.sampled_from([None, "ann", "bob"]),
        st.builds(
            Context,
            st.sampled_from([None, "phone", "desk"]),
            st.sampled_from([None, "night"]),
            st.sampled_from([None, "DE"]),
        ),
    ),
    max_size=25,
)


def learn(fallback: CategoryFallback, stream, first: int = 0) -> CategoryFallback:
    for turn, (items, owner, context) in enumerate(stream, first):
        fallback.learn_session(items, [CATEGORIES[item] for item in items], turn * DAY / 3, owner, context)
    return fallback


def by_item(found) -> dict[str, float]:
    return {item.item_id: item.score for item in found}


def expected_shares(clicks, half_life_days: float) -> dict[str, float]:
    weights: defaultdict[str, float] = defaultdict(float)
    for item, at in clicks:
        weights[item] += 2.0 ** (at / DAY / half_life_days)
    return {item: weight / sum(weights.values()) for item, weight in weights.items()}


@given(sessions, st.integers(1, 30), st.integers(1, 6))
@hypothesis_settings(deadline=None)
def test_shares_are_those_counted_by_hand_over_the_sessions_held(stream, limit, least):
    settings = FallbackSettings(sessions=limit, clicks_per_session=3, half_life_days=2.0, least_clicks=least)
    fallback = learn(CategoryFallback(settings), stream)
    held = [(items[-3:], turn * DAY / 3, context) for turn, (items, _, context) in enumerate(stream)][-limit:]
    for category in ("x", "y"):
        clicks = [(item, at) for items, at, _ in held for item in items if CATEGORIES[item] == category]
        found = by_item(fallback.by_category([None, category]))
        assert found == pytest.approx(expected_shares(clicks, 2.0), rel=1e-4)
    for key, context in (("phone|night|DE", PHONE), ("||DE", Context(country="DE"))):
        clicks = [(item, at) for items, at, seen in held if key in seen.narrowest_first() for item in items]
        if len(clicks) >= least:
            found = by_item(fallback.by_context(context))
            assert found == pytest.approx(expected_shares(clicks, 2.0), rel=1e-4)
    assert fallback.log.evictions == max(0, len(stream) - limit)


@given(sessions)
@hypothesis_settings(deadline=None)
def test_an_erased_owner_leaves_what_there_would_have_been_without(stream):
    fallback = learn(CategoryFallback(FallbackSettings(least_clicks=1)), stream)
    assert fallback.forget("ann") == sum(owner == "ann" for _, owner, _ in stream)
    without = CategoryFallback(FallbackSettings(least_clicks=1))
    for turn, session in enumerate(stream):
        if session[1] != "ann":
            learn(without, [session], turn)
    for categories in (["x"], ["y"]):
        assert by_item(fallback.by_category(categories)) == pytest.approx(
            by_item(without.by_category(categories)), rel=1e-4
        )
    assert by_item(fallback.by_context(PHONE)) == pytest.approx(by_item(without.by_context(PHONE)), rel=1e-4)
    assert not fallback.log.knows("ann")
    assert fallback.log.items_of("bob", 9) == without.log.items_of("bob", 9)


@given(sessions, sessions)
@hypothesis_settings(deadline=None)
def test_killed_and_resumed_is_never_killed(before, after):
    settings = FallbackSettings(sessions=9, least_clicks=2)
    fallback = learn(CategoryFallback(settings), before)
    packed = msgspec.msgpack.encode(fallback.to_state())
    resumed = CategoryFallback.from_state(msgspec.msgpack.decode(packed, type=FallbackState))
    for one in (fallback, resumed):
        learn(one, after, len(before))
    assert resumed.to_state() == fallback.to_state()
    assert resumed.by_category(["y", "x"]) == fallback.by_category(["y", "x"])
    assert resumed.by_context(PHONE) == fallback.by_context(PHONE)


def test_a_context_without_evidence_gives_way_to_a_wider_one() -> None:
    fallback = CategoryFallback(FallbackSettings(least_clicks=3))
    for turn, (item, device) in enumerate([("a", "phone"), ("b", "desk"), ("b", "desk")]):
        fallback.learn_session([item], [None], turn, None, Context(device, "night", "DE"))
    assert by_item(fallback.by_context(PHONE)).keys() == {"a", "b"}  # all of Germany
    for turn in range(2):
        fallback.learn_session(["a"], [None], turn, None, Context("phone", "evening", "DE"))
    assert by_item(fallback.by_context(PHONE)).keys() == {"a"}  # phones there at any hour
    assert fallback.by_context(Context("phone", "night", "FR")) == []


def test_counts_outlast_years_of_half_lives() -> None:
    fallback = CategoryFallback(FallbackSettings(half_life_days=0.01))
    for day in range(0, 40):
        fallback.learn_session(["a" if day % 2 else "b"], ["x"], day * DAY)
    assert by_item(fallback.by_category(["x"])) == pytest.approx({"a": 1.0, "b": 0.0}, abs=1e-4)
    assert fallback.forget("nobody") == 0
    landmark = fallback.to_state().landmark
    assert landmark is not None
    assert landmark > 34 * DAY  # or weights would have thousands of digits


def test_hours_are_banded_in_utc() -> None:
    bands = [context_at(hour * 3_600.0, None, None).hour_band for hour in range(0, 30, 3)]
    assert bands == [
        "night", "night", "morning", "morning", "afternoon",
        "afternoon", "evening", "evening", "night", "night",
    ]  # fmt: skip
