"""The surface over random streams: resumed, erased, and always within its rules."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.models.recommenders import Blend, IndexLimits, SessionIndex
from stream_app.models.recommenders.catalogue_view import CatalogueView
from stream_app.models.recommenders.category_fallback import CategoryFallback, FallbackSettings
from stream_app.models.recommenders.context import NO_CONTEXT, Context
from stream_app.models.recommenders.diversity import GroupCaps
from stream_app.models.recommenders.factorisation import Factorisation, FactorisationSettings
from stream_app.models.recommenders.surface import Surface
from stream_app.models.recommenders.surface_rules import Exclusion, SurfaceRules

HOUR = 3_600.0
PHONE = Context("phone", "night", "DE")
streams = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5),
        st.sampled_from([None, "ann", "bob"]),
        st.sampled_from([NO_CONTEXT, PHONE]),
    ),
    max_size=20,
)
requests = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcdefgz"), max_size=3),
        st.sampled_from([None, "ann", "bob", "new"]),
        st.sampled_from([NO_CONTEXT, PHONE]),
    ),
    min_size=1,
    max_size=3,
)
rules = st.builds(
    SurfaceRules,
    exclude=st.frozensets(st.sampled_from(list(Exclusion))),
    caps=st.builds(GroupCaps, st.none() | st.integers(1, 3), st.none() | st.integers(1, 2)),
    exploration=st.sampled_from([0.0, 0.5, 1.0]),
    offers_per_source=st.integers(1, 3),
)


def small_surface(chosen: SurfaceRules | None = None) -> Surface:
    surface = Surface(
        Blend(SessionIndex(IndexLimits(sessions=12, clicks=60, items=9, clicks_per_session=5))),
        chosen,
        CatalogueView(limit=5),
        CategoryFallback(FallbackSettings(sessions=12, least_clicks=3)),
        Factorisation(FactorisationSettings(users=2, items=4, feature_rows=8, factors=2)),
    )
    surface.gate.is_open = True
    for item, category, brand in zip("abcdef", "xxxyyy", "BCBCBC", strict=True):
        surface.catalogue.learn(item, category, brand)
    return surface


def learn(surface: Surface, stream, first: int = 0) -> Surface:
    for turn, (items, owner, context) in enumerate(stream, first):
        surface.learn_session(items, turn * HOUR, owner, context)
    return surface


def ask(surface: Surface, asked):
    return [
        surface.recommend(items, 4, user=user, context=context, seed=str(turn), now=turn)
        for turn, (items, user, context) in enumerate(asked)
    ]


@given(streams, streams, requests, rules)
@settings(max_examples=25, deadline=None)
def test_killed_and_resumed_is_never_killed(before, after, asked, chosen):
    surface = learn(small_surface(chosen), before)
    resumed = Surface.from_state(surface.to_state(), chosen)
    assert ask(resumed, asked) == ask(surface, asked)
    for one in (surface, resumed):
        learn(one, after, len(before))
    assert ask(resumed, asked) == ask(surface, asked)
    assert resumed.to_state() == surface.to_state()


@given(streams, requests, rules, st.sets(st.sampled_from("abcdefg")))
@settings(max_examples=40, deadline=None)
def test_a_list_keeps_the_rules(stream, asked, chosen, bought):
    surface = learn(small_surface(chosen), stream)
    for turn, (items, user, context) in enumerate(asked):
        past = ["c", "d"]
        shown = surface.recommend(
            items, 4, user=user, user_history=past, context=context, bought=bought, seed=str(turn)
        )
        shown_ids = [item.item_id for item in shown]
        assert len(set(shown_ids)) == len(shown_ids) <= 4
        barred = set()
        if Exclusion.BOUGHT in chosen.exclude:
            barred |= bought
        if Exclusion.CONSUMED in chosen.exclude:
            barred |= {*items, *past}
        if Exclusion.CURRENT in chosen.exclude:
            barred |= set(items[-1:])
        assert not barred & set(shown_ids)
        facts = [surface.catalogue.facts(item) for item in shown_ids]
        for groups, cap in (
            ([fact.category for fact in facts], chosen.caps.per_category),
            ([fact.brand for fact in facts], chosen.caps.per_brand),
        ):
            counts = Counter(group for group in groups if group is not None)
            assert cap is None or max(counts.values(), default=0) <= cap
        assert all(0 < item.propensity <= 1 for item in shown)
        assert all(item.propensity == 1 for item in shown[:-1])
        if chosen == SurfaceRules(exclude=chosen.exclude):
            known = {item for session, _, _ in stream[-12:] for item in session}
            assert len(shown) >= min(4, len((known & set(surface.blend.index.item_numbers)) - barred))


@given(streams, requests)
@settings(max_examples=25, deadline=None)
def test_an_erased_user_is_gone_from_every_level(stream, asked):
    surface = learn(small_surface(), stream)
    surface.forget("ann")
    without = small_surface()
    for turn, session in enumerate(stream):
        if session[1] != "ann":
            learn(without, [session], turn)
    assert not surface.fallback.log.knows("ann")
    assert surface.fallback.log.items_of("ann", 9) == []
    for category in ("x", "y"):
        left, right = (
            {item.item_id: item.score for item in one.fallback.by_category([category])}
            for one in (surface, without)
        )
        if len(stream) <= 12:  # no eviction made room that would not have been needed
            assert left == pytest.approx(right, rel=1e-4)
    digests = set(surface.factorisation.users.to_state().rows)
    surface.forget("bob")
    assert len(surface.factorisation.users) == 0 or digests - set(surface.factorisation.users.to_state().rows)
    owners = {session.owner for session in surface.fallback.log.sessions.values()}
    assert owners <= {0}
