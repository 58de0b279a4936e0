from collections import Counter, defaultdict
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stream_app.models.recommenders.context import NO_CONTEXT, Context
from stream_app.models.recommenders.context_visits import ContextVisits, ContextVisitsSettings
from stream_app.models.recommenders.session_log import SessionLog, logged_session

DAY = 86_400.0
PHONE, DESK = Context("phone", "night", "DE"), Context("desk", "night", "DE")
streams = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcde"), min_size=1, max_size=5), st.sampled_from([PHONE, DESK, NO_CONTEXT])
    ),
    max_size=25,
)


def log_of(stream, limit: int = 100) -> SessionLog:
    log = SessionLog(limit)
    for turn, (items, context) in enumerate(stream):
        log.append(logged_session(items, [None] * len(items), turn * DAY, None, context))
    return log


@given(streams, st.integers(1, 30), st.integers(1, 8))
@hypothesis_settings(deadline=None)
def test_neighbours_are_the_cosines_counted_by_hand(stream, limit, read):
    settings = ContextVisitsSettings(sessions=read, least_sessions=10_000, half_life_days=2.0)
    held = [(set(items), turn) for turn, (items, _) in enumerate(stream)][-limit:]
    popularity = Counter(item for items, _ in held for item in items)
    with_a = [(items, turn) for items, turn in held if "a" in items][-read:]
    weights: defaultdict[str, float] = defaultdict(float)
    for items, turn in with_a:
        for item in items - {"a"}:
            weights[item] += 2.0 ** -((with_a[-1][1] - turn) / 2.0)
    cosines = {item: weight / sqrt(max(3, popularity[item])) for item, weight in weights.items()}
    found = ContextVisits(log_of(stream, limit), settings).neighbours("a", PHONE)
    assert (found.level, found.sessions) == ("all", len(with_a))
    assert {item.item_id: item.score for item in found.items} == pytest.approx(
        {item: cosine / sum(cosines.values()) for item, cosine in cosines.items()}
    )
    assert [item.score for item in found.items] == sorted((item.score for item in found.items), reverse=True)


def test_a_context_speaks_for_itself_from_enough_sessions_on() -> None:
    stream = [(["tea", "cup"], PHONE), (["tea", "pot"], DESK)] * 4
    visits = ContextVisits(log_of(stream), ContextVisitsSettings(least_sessions=4))
    on_phones = visits.neighbours("tea", PHONE)
    assert (on_phones.level, on_phones.sessions) == ("phone|night|DE", 4)
    assert [item.item_id for item in on_phones.items] == ["cup"]
    few = ContextVisits(log_of(stream), ContextVisitsSettings(least_sessions=5)).neighbours("tea", PHONE)
    assert (few.level, few.sessions) == ("||DE", 8)
    assert {item.item_id for item in few.items} == {"cup", "pot"}


def test_a_new_item_has_neighbours_after_its_first_visit_with_another() -> None:
    log = log_of([(["tea", "cup"], PHONE)] * 30)
    visits = ContextVisits(log)
    assert visits.neighbours("new", PHONE) == ("all", 0, [])
    log.append(logged_session(["tea", "new"], [None, None], 30 * DAY, None, PHONE))
    assert [item.item_id for item in visits.neighbours("new", PHONE).items] == ["tea"]
    assert "new" in [item.item_id for item in visits.neighbours("tea", PHONE).items]


def test_at_most_as_many_as_asked_for() -> None:
    visits = ContextVisits(log_of([(list("abcde"), PHONE)]))
    assert len(visits.neighbours("a", count=2).items) == 2
