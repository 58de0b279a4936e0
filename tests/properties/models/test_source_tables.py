"""The compiled source table against the reference, to the last bit, over random streams and settings."""

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.models.recommenders import Blend, IndexLimits, SessionIndex
from stream_app.models.recommenders.array_table import ArrayTable
from stream_app.models.recommenders.compiled_table import CompiledTable
from stream_app.models.recommenders.item_walk import ItemWalk, ItemWalkSettings
from stream_app.models.recommenders.nearest_sessions import NearestSessions, NearestSessionsSettings
from stream_app.models.recommenders.popularity import Popularity
from stream_app.models.recommenders.sequential_rules import SequentialRules, SequentialRulesSettings
from stream_app.models.recommenders.session_history import SessionHistory, SessionHistorySettings
from stream_app.models.recommenders.source_table import Sources, SourceTable

HOUR = 3_600.0
ITEMS = "abcdefghijkl"
DISCOUNTS = np.array([1.0, 1.0, 0.9, 0.75])
sessions = st.lists(
    st.tuples(
        st.lists(st.sampled_from(ITEMS), min_size=1, max_size=8),
        st.sampled_from([None, "ann"]),
        st.sampled_from([0.0, 1.0, 400.0]),  # hours since the session before
    ),
    max_size=40,
)
open_sessions = st.lists(st.lists(st.sampled_from(ITEMS + "z"), max_size=6), min_size=1, max_size=4)
limits = st.builds(
    IndexLimits,
    sessions=st.integers(1, 30),
    clicks=st.integers(8, 90),
    items=st.integers(6, 14),
    clicks_per_session=st.integers(2, 8),
    clicks_per_item=st.integers(1, 10),
)
source_settings = st.tuples(
    st.builds(
        NearestSessionsSettings,
        st.integers(1, 9),
        st.integers(1, 9),
        st.integers(1, 4),
        st.sampled_from([0.7, 1.0]),
    ),
    st.builds(
        SequentialRulesSettings,
        clicks=st.integers(1, 9),
        start_items=st.integers(1, 4),
        start_decay=st.sampled_from([0.3, 1.0]),
    ),
    st.builds(ItemWalkSettings, width=st.integers(1, 5), clicks=st.integers(1, 9)),
    st.builds(SessionHistorySettings, items=st.integers(4, 6)),
)
mixtures = st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5).map(np.array)


def learn(blend: Blend, stream) -> None:
    clock = 0.0
    for items, owner, hours in stream:
        clock += hours * HOUR
        blend.learn_session(items, clock, owner)


def both_tables(index: SessionIndex, chosen) -> tuple[SourceTable, SourceTable]:
    nearest, rules, walk, history = chosen

    def sources() -> Sources:
        first_step = SequentialRules(rules)
        return Sources(
            NearestSessions(index, nearest),
            first_step,
            ItemWalk(first_step, walk),
            SessionHistory(history),
            Popularity(),
        )

    return ArrayTable(index, sources(), DISCOUNTS), CompiledTable(index, sources(), DISCOUNTS)


def answers(table: SourceTable, blend: Blend, session, weights, most: int, left_out: list[int]):
    """All that a table says, in the order in which the blend asks it."""
    table.expect(blend.view(session))
    table.mix(weights)
    yield table.parts()
    yield [table.expected(number) for number in sorted(blend.index.item_numbers.values())]
    yield [table.leading_of(source, most) for source in range(5)]
    table.correct(1.7, 0.4)
    yield table.leading(most, left_out)
    yield table.leading(1_000)


@given(sessions, limits, source_settings, open_sessions, mixtures, st.integers(0, 14), st.data())
@settings(max_examples=150, deadline=None)
def test_both_tables_say_the_same_to_the_last_bit(stream, caps, chosen, asked, weights, most, data):
    blend = Blend(SessionIndex(caps))
    tables = both_tables(blend.index, chosen)
    half = len(stream) // 2
    learn(blend, stream[:half])
    for turn, session in enumerate(asked):
        numbers = sorted(blend.index.item_numbers.values())
        left_out = data.draw(st.lists(st.sampled_from(numbers), max_size=4)) if numbers else []
        reference, compiled = (
            list(answers(table, blend, session, weights, most, left_out)) for table in tables
        )
        assert compiled == reference
        if turn == 0:
            learn(blend, stream[half:])
        else:
            blend.forget("ann")


@given(sessions, limits)
@settings(max_examples=40, deadline=None)
def test_blends_over_either_table_learn_the_same(stream, caps):
    compiled, reference = Blend(SessionIndex(caps)), Blend(SessionIndex(caps))
    assert isinstance(compiled.table, CompiledTable)
    reference.table = ArrayTable(reference.index, reference.sources, reference.discounts)
    for blend in (compiled, reference):
        learn(blend, stream)
    assert compiled.to_state() == reference.to_state()
    for session in ([], ["a"], ["b", "a", "a"]):
        assert compiled.recommend(session, 5, ["c"]) == reference.recommend(session, 5, ["c"])
        assert compiled.explain(session, 5) == reference.explain(session, 5)


def test_both_tables_agree_where_every_list_of_the_index_overflows():
    draw = random.Random(5)
    blend = Blend(SessionIndex(IndexLimits(sessions=600, clicks=4_000, items=200, clicks_per_item=60)))
    items = [f"item {number}" for number in range(400)]
    for turn in range(900):
        first = min(int(draw.paretovariate(0.4)), 390)
        blend.learn_session(
            [items[first + draw.randrange(9)] for _ in range(draw.randint(1, 12))], turn * HOUR
        )
    assert min(blend.evictions["sessions"], blend.evictions["items"], blend.evictions["item_clicks"]) > 0
    reference = ArrayTable(blend.index, blend.sources, blend.discounts)
    for _ in range(60):
        session = draw.choices(items[:40], k=draw.randint(1, 30))
        weights = np.array([draw.random() for _ in range(5)])
        assert list(answers(blend.table, blend, session, weights, 60, [])) == list(
            answers(reference, blend, session, weights, 60, [])
        )


def test_without_the_compiled_table_the_reference_is_taken():
    program = (
        "import sys; sys.modules['stream_app.models.recommenders._source_table'] = None\n"
        "from stream_app.models.recommenders import Blend\n"
        "blend = Blend(); blend.learn_session(['a', 'b'], 1.0)\n"
        "print(type(blend.table).__name__, [item.item_id for item in blend.recommend(['a'], 2)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ArrayTable", "['a',", "'b']"]


@pytest.fixture
def blend() -> Blend:
    blend = Blend(SessionIndex(IndexLimits(sessions=9, clicks=90, items=9)))
    learn(blend, [("abc", None, 1.0), ("ab", None, 1.0), ("bd", None, 1.0)])
    return blend


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda table: table.mix(np.ones(4)), ValueError),
        (lambda table: table.expected(0), IndexError),
        (lambda table: table.expected(10), IndexError),
        (lambda table: table.leading_of(5, 3), IndexError),
        (lambda table: table.leading(3, [1, 99]), IndexError),
        (lambda table: table.leading(3, ["a"]), TypeError),
        (lambda table: table._table.expect([1, 99], 0, 3, [1], [1.0]), IndexError),
        (lambda table: table._table.expect([9], 0, 3, [1], [1.0]), IndexError),  # has no posting list
        (lambda table: table._table.expect([1], 0, 3, [0], [1.0]), IndexError),
        (lambda table: table._table.expect([1], 0, 3, [1], ["heavy"]), TypeError),
        (lambda table: table._table.expect((1,), 0, 3, [1], [1.0]), TypeError),
    ],
)
def test_what_is_none_is_refused_and_disturbs_nothing(blend, call, error):
    before = blend.recommend("ab", 4)
    with pytest.raises(error):
        call(blend.table)
    assert blend.recommend("ab", 4) == before


def test_arrays_that_do_not_fit_are_refused(blend):
    with pytest.raises(ValueError, match="not the arrays and settings of one index"):
        CompiledTable(blend.index, blend.sources, np.empty(0))
    blend.index.session_lengths = blend.index.session_lengths[:-1]
    with pytest.raises(ValueError, match="not the arrays and settings of one index"):
        CompiledTable(blend.index, blend.sources, blend.discounts)
