"""Conditions, sequences and timers against every fact: late ones, cuts, restarts, changes of definitions."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.conditions.every_fact import Happened, timeline

from stream_app.conditions.state import Fact, WatchState
from stream_app.conditions.watch import MOST_FACTS, Change, CircleError, Watch
from stream_app.definitions.conditions import Condition
from stream_app.intake.use import Use

START = 1_709_539_200.0
LATENESS = 600.0
NAMES = ["a", "b", "c"]
SPANS = ["1m", "5m", "20m", "1h"]

events = st.sampled_from([{"type": "track", "name": name} for name in NAMES] + [{"type": "track"}])
leaves: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda bound: {"feature": "f", "at_least": bound}, st.integers(1, 3)),
    st.builds(
        lambda event, times, within: (
            {"event": event, "times": times} | ({"within": within} if within else {})
        ),
        events,
        st.integers(1, 3),
        st.sampled_from([*SPANS, None]),
    ),
    st.builds(
        lambda event, without, lasting: {"event": event, "without": without, "lasting": lasting},
        events,
        events,
        st.sampled_from(SPANS),
    ),
    st.builds(
        lambda steps, within, then: (
            {"sequence": steps} | ({"within": within} if within else {}) | ({"then": then} if then else {})
        ),
        st.lists(events, min_size=2, max_size=3),
        st.sampled_from([*SPANS, None]),
        st.sampled_from([*SPANS, None]),
    ),
)
conditions = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.builds(lambda part: {"not": part}, parts),
        st.builds(lambda several: {"all": several}, st.lists(parts, min_size=1, max_size=3)),
        st.builds(lambda several: {"any": several}, st.lists(parts, min_size=1, max_size=3)),
    ),
    max_leaves=5,
)


@st.composite
def named_conditions(draw: st.DrawFn) -> dict[str, Condition]:
    made = {
        f"n{place}": Condition.model_validate(condition)
        for place, condition in enumerate(draw(st.lists(conditions, min_size=1, max_size=3)))
    }
    if draw(st.booleans()):
        made["referring"] = Condition.model_validate({"not": {"audience": "n0"}})
    return made


def random_facts(random: Random, count: int) -> list[Happened]:
    """Facts in order of arrival, some late; sometimes several of one time."""
    now, facts = START, []
    for _ in range(count):
        now += random.choice([0, 1, 30, 60, 300, 1_200, 3_600])
        at = now - random.choice([0, 0, 0, 30, random.randrange(int(LATENESS))])
        features = {"f": random.randrange(4)} if random.random() < 0.6 else {}
        facts.append(Happened(at, random.choice([*NAMES, None]), features))
    return facts


def fact_of(watch: Watch, happened: Happened) -> Fact:
    matched = watch.matched(Use(happened.at, "track", happened.name)) if happened.name else 0
    return Fact(
        happened.at,
        matched,
        watch.states_of(lambda asked: happened.features.get(str(asked.feature))),
    )


def stored(state: WatchState) -> WatchState:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=WatchState)


def plain(changes: list[Change]) -> list[tuple[float, str, bool]]:
    return [(change.at, change.name, change.holds) for change in changes]


@settings(max_examples=400, deadline=None)
@given(named_conditions(), st.integers(0, 2**32), st.integers(1, 14))
def test_what_is_settled_is_what_every_fact_says(named: dict[str, Condition], seed: int, count: int) -> None:
    random, watch = Random(seed), Watch(named)
    state, highest, settled = watch.begin(), 0.0, []
    facts = random_facts(random, count)
    arrived: list[Happened] = []
    for happened in facts:
        watermark = highest - LATENESS
        if happened.at < watermark:
            continue
        watch.note(state, fact_of(watch, happened))
        arrived.append(happened)
        highest = max(highest, happened.at)
        if random.random() < 0.5:
            settled += plain(watch.settle(state, highest - LATENESS))
            state = stored(state)
        ahead = highest + random.choice([0.0, 100.0, 5_000.0])
        foreseen = plain(watch.foresee(state, ahead))
        assert settled + foreseen == timeline(named, arrived, ahead + 1e-6)
        due = watch.next_due(state)
        later = [at for at, *_ in timeline(named, arrived, highest + 1e5) if at > highest]
        assert due <= min(later, default=due)
    settled += plain(watch.settle(state, highest + 1e5))
    assert settled == timeline(named, arrived, highest + 1e5)
    held = {name for _, name, _ in settled} & set(watch.members(state))
    for name in named:
        told = [holds for _, changed, holds in settled if changed == name]
        assert (name in held) == (told[-1:] == [True])


@settings(max_examples=100, deadline=None)
@given(named_conditions(), named_conditions(), st.integers(0, 2**32))
def test_what_did_not_change_goes_on_under_new_definitions(
    mine: dict[str, Condition], others: dict[str, Condition], seed: int
) -> None:
    random = Random(seed)
    old = Watch({**mine, **{f"x{name}": each for name, each in others.items() if name != "referring"}})
    renamed = {f"new-{name}": each for name, each in mine.items() if name != "referring"}
    new = Watch(renamed)
    state, facts = old.begin(), random_facts(random, 10)
    highest = 0.0
    for happened in facts:
        if happened.at >= highest - LATENESS:
            old.note(state, fact_of(old, happened))
            highest = max(highest, happened.at)
            old.settle(state, highest - LATENESS)
    foreseen = [change for change in plain(old.foresee(state, highest + 1e5)) if change[1] in mine]
    followed = new.follow(stored(state))
    assert {name.removeprefix("new-") for name in new.members(followed)} == {
        name for name in old.members(state) if f"new-{name}" in renamed
    }
    kept = [
        (at, name.removeprefix("new-"), is_held)
        for at, name, is_held in plain(new.foresee(followed, highest + 1e5))
    ]
    assert kept == [change for change in foreseen if change[1] != "referring"]


@settings(max_examples=100, deadline=None)
@given(named_conditions(), st.integers(0, 2**32))
def test_facts_that_wait_in_two_states_are_joined(named: dict[str, Condition], seed: int) -> None:
    random, watch = Random(seed), Watch(named)
    facts = random_facts(random, 12)
    states = [watch.begin(), watch.begin()]
    for happened in facts:
        insert = fact_of(watch, happened)
        state = random.choice(states)
        state.facts = sorted([*state.facts, insert], key=lambda fact: fact.at)
    watch.merge(states[0], stored(states[1]))
    ahead = max(fact.at for fact in facts) + 1e4
    found = plain(watch.foresee(states[0], ahead))
    if len({fact.at for fact in facts}) == len(facts):
        assert found == timeline(named, facts, ahead + 1e-6)


def test_circles_and_unknown_names_are_refused() -> None:
    refer = {
        name: Condition.model_validate({"not": {"audience": other}}) for name, other in ("ab", "bc", "ca")
    }
    with pytest.raises(CircleError, match="a circle: a needs b needs c needs a"):
        Watch(refer)
    with pytest.raises(CircleError, match="there is no audience c"):
        Watch({"b": refer["b"]})


def test_a_state_stays_small() -> None:
    watch = Watch(
        {
            f"n{place}": Condition.model_validate(
                {
                    "event": {"type": "track", "name": f"e{place}"},
                    "without": {"type": "page"},
                    "lasting": "3d",
                }
            )
            for place in range(20)
        }
    )
    state = watch.begin()
    for place in range(200):
        use = Use(START + place, "track", f"e{place % 20}")
        watch.note(state, Fact(use.at, watch.matched(use), 0))
        if until := watch.crowded_until(state):
            watch.settle(state, until)
    assert len(state.facts) <= MOST_FACTS + 1
    watch.settle(state, START + 1e6)
    assert len(state.members) == 20
    assert len(msgspec.msgpack.encode(state)) < 1_024


def test_reasons_are_told_in_words() -> None:
    watch = Watch(
        {
            "leavers": Condition.model_validate(
                {
                    "all": [
                        {"feature": "cart_value", "above": 0},
                        {
                            "event": {"type": "track", "name": "Product Added"},
                            "without": {"type": "track", "name": "Order Completed"},
                            "lasting": "3d",
                        },
                    ]
                }
            )
        }
    )
    state = watch.begin()
    watch.note(state, Fact(START, watch.matched(Use(START, "track", "Product Added")), 1))
    [change] = watch.settle(state, START + 1e6)
    assert change == Change(
        START + 3 * 86_400, "leavers", True, ("Product Added, then no Order Completed for 3d",)
    )
