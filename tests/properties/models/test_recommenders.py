"""The session index and the blend over random streams of sessions, with caps tight enough to bite."""

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.models.recommenders import Blend, IndexLimits, SessionIndex
from stream_app.models.recommenders.co_visitation import CoVisitation
from stream_app.models.recommenders.markov import MarkovChain

HOUR = 3_600.0
sessions = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=6),
        st.sampled_from([None, "ann", "bob"]),
    ),
    max_size=40,
)
open_sessions = st.lists(st.sampled_from("abcdefgz"), max_size=4)
limits = st.builds(
    IndexLimits,
    sessions=st.integers(1, 12),
    clicks=st.integers(6, 40),
    items=st.integers(7, 9),
    clicks_per_session=st.integers(2, 6),
    clicks_per_item=st.integers(1, 10),
)


def learned(stream, caps: IndexLimits) -> Blend:
    blend = Blend(SessionIndex(caps))
    for turn, (items, owner) in enumerate(stream):
        blend.learn_session(items, turn * HOUR, owner)
    return blend


def live_sessions(blend: Blend):
    """What the log of the index holds: items, end and owner's key by session, the oldest first."""
    index = blend.index
    for session in range(index.first_session, index.next_session):
        slot = session % index.limits.sessions
        start, length = int(index.session_starts[slot]), int(index.session_lengths[slot])
        places = [position & index.click_ring_mask for position in range(start, start + length)]
        items = [index.item_ids[index.click_items[place]] for place in places]
        if items:
            yield items, float(index.session_ended_at[slot])


def expectations(blend: Blend, session) -> dict[str, dict[str, float]]:
    """What each source expects, by name and item, without the history of how weights were learned."""
    view = blend.view(session)
    found = {}
    for source in (*blend.sources, MarkovChain(), CoVisitation()):
        items, scores = source.candidates(view)
        found[source.name] = {
            blend.index.item_ids[item]: score for item, score in zip(items, scores, strict=True)
        }
    return found


def assert_same_expectations(one: Blend, other: Blend, session) -> None:
    left, right = expectations(one, session), expectations(other, session)
    assert left.keys() == right.keys()
    for source in left:
        assert left[source] == pytest.approx(right[source], abs=1e-9), source


@given(sessions, limits, open_sessions)
@settings(max_examples=60, deadline=None)
def test_an_incremental_index_is_the_index_built_from_its_live_sessions(stream, caps, session):
    incremental = learned(stream, caps)
    expectations(incremental, session)  # fills the caches, which later evictions must not leave stale
    rebuilt = Blend(SessionIndex(caps))
    for items, ended_at in live_sessions(incremental):
        rebuilt.learn_session(items, ended_at)
    assert_same_expectations(incremental, rebuilt, session)


@given(sessions, sessions, limits, open_sessions)
@settings(max_examples=60, deadline=None)
def test_killed_and_resumed_is_never_killed(before, after, caps, session):
    never_killed = learned(before, caps)
    resumed = Blend.from_state(never_killed.to_state())
    never_killed.recommend(session, 5)
    for turn, (items, owner) in enumerate(after, len(before)):
        for blend in (never_killed, resumed):
            blend.learn_session(items, turn * HOUR, owner)
    assert resumed.recommend(session, 20) == never_killed.recommend(session, 20)
    assert resumed.next_clicks(session, 3) == never_killed.next_clicks(session, 3)
    assert resumed.to_state() == never_killed.to_state()
    assert resumed.forget("ann") == never_killed.forget("ann")
    assert resumed.to_state() == never_killed.to_state()


@given(sessions, open_sessions, st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_an_erased_owner_leaves_no_trace(stream, session, clicks_per_item):
    caps = IndexLimits(sessions=100, clicks=1_000, items=20, clicks_per_item=clicks_per_item)
    erased = learned(stream, caps)
    expectations(erased, session)
    erased.forget("ann")
    never_there = Blend(SessionIndex(caps))
    for turn, (items, owner) in enumerate(stream):
        if owner != "ann":
            never_there.learn_session(items, turn * HOUR, owner)
    assert_same_expectations(erased, never_there, session)
    assert erased.index.item_numbers.keys() == never_there.index.item_numbers.keys()
    assert erased.forget("ann") == 0


@given(sessions, limits, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_caps_hold_and_evictions_add_up(stream, caps, items):
    caps = IndexLimits(**{**asdict(caps), "items": items})
    blend = learned(stream, caps)
    index = blend.index
    live = list(live_sessions(blend))
    assert len(live) == index.live_sessions <= caps.sessions
    assert index.next_click - index.first_click <= caps.clicks
    assert len(index.item_numbers) <= caps.items
    assert len(live) + index.evictions.sessions == len(stream)
    for item, number in index.item_numbers.items():
        clicks = sum(session.count(item) for session, _ in live)
        assert index.item_clicks[number] == clicks
        assert len(index.positions_of(number, 1_000)) == min(clicks, caps.clicks_per_item)


@given(sessions, open_sessions, st.sets(st.sampled_from("abcdefgz")), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_recommendations_are_distinct_ranked_and_exclude(stream, session, exclude, k):
    recommended = learned(stream, IndexLimits(sessions=50)).recommend(session, k, exclude)
    items = [item.item_id for item in recommended]
    seen = {item for clicked, _ in stream for item in clicked} - exclude
    assert len(items) == len(set(items)) == min(k, len(seen))
    assert set(items) <= seen
    scores = [item.score for item in recommended]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)
