"""Declared features against every use: random declarations, cuts, merges and upgrades."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.declared.declarations import GAP, WINDOWS, feature_lists, random_uses
from properties.declared.every_use import expected

from stream_app.definitions.file import Definitions, parse_definitions
from stream_app.features.declared.bounds import most_bytes
from stream_app.features.declared.engine import Engine
from stream_app.features.declared.state import DeclaredState

LATER = (0.0, 100.0, 1_800.0, 4_000.0, 90_000.0, 700_000.0)
ROWS = WINDOWS[:-1]  # what is joined across users: sessions are not


def stored(state: DeclaredState) -> DeclaredState:
    encoded = msgspec.msgpack.encode(state)
    assert msgspec.msgpack.encode(msgspec.msgpack.decode(encoded, type=DeclaredState)) == encoded
    return msgspec.msgpack.decode(encoded, type=DeclaredState)


def assert_same(read: dict[str, Any], computed: dict[str, Any]) -> None:
    numbers = {name: value for name, value in read.items() if not isinstance(value, str)}
    texts = {name: value for name, value in read.items() if isinstance(value, str)}
    assert texts == {name: value for name, value in computed.items() if isinstance(value, str)}
    assert numbers == pytest.approx(
        {name: value for name, value in computed.items() if not isinstance(value, str)}
    )


@settings(max_examples=150, deadline=None)
@given(feature_lists(), st.integers(0, 2**32), st.integers(1, 60))
def test_every_feature_is_what_all_uses_make_of_it(definitions: Definitions, seed: int, count: int) -> None:
    random = Random(seed)
    engine = Engine(definitions)
    state = engine.follow(None, None)
    uses = random_uses(random, count)
    for taken, use in enumerate(uses, 1):
        engine.apply(state, use)
        if random.random() < 0.2:
            state = stored(state)
        newest = max(use.at for use in uses[:taken])
        at = newest + random.choice(LATER)
        assert_same(engine.read(state, at), expected(definitions.features, uses[:taken], at, GAP))
    assert len(msgspec.msgpack.encode(state)) <= most_bytes(definitions)


@settings(max_examples=100, deadline=None)
@given(feature_lists(ROWS), st.integers(0, 2**32))
def test_two_rows_are_joined_as_if_all_had_come_to_one(definitions: Definitions, seed: int) -> None:
    random = Random(seed)
    engine = Engine(definitions)
    uses = random_uses(random, random.randrange(1, 40))
    rows = [engine.follow(None, None), engine.follow(None, None)]
    for use in uses:
        engine.apply(random.choice(rows), use)
    engine.merge(rows[0], stored(rows[1]))
    more = random_uses(random, 5)
    for use in more:
        engine.apply(rows[0], use)
    at = max(use.at for use in uses + more) + random.choice(LATER)
    assert_same(engine.read(stored(rows[0]), at), expected(definitions.features, uses + more, at, GAP))


@settings(max_examples=100, deadline=None)
@given(st.lists(feature_lists(ROWS), min_size=2, max_size=4), st.integers(0, 2**32))
def test_what_changed_begins_anew_and_what_did_not_goes_on(files: list[Definitions], seed: int) -> None:
    random = Random(seed)
    uses = random_uses(random, 40)
    state, engine = None, Engine(files[0])
    begun: dict[int, int] = {}
    for place, use in enumerate(uses):
        if random.random() < 0.1:
            engine = Engine(random.choice(files))
        known_until = max(use.at for use in uses[:place]) if place else None
        state = stored(engine.follow(state, known_until))
        versions = {kept.series.version for kept in engine.kept}
        begun = {version: begun.get(version, place) for version in versions}
        engine.apply(state, use)
        features = [kept.feature for kept in engine.kept]
        at = max(use.at for use in uses[: place + 1])
        computed = expected(list(dict.fromkeys(features)), uses[: place + 1], at, GAP, begun)
        assert_same(engine.read(state, at), computed)
        since = engine.complete_since(state, 0.0)
        for kept in engine.kept:
            assert bool(since[kept.series.name]) == bool(begun[kept.series.version])


def test_renaming_keeps_what_was_counted_and_removing_drops_it() -> None:
    [feature] = random_declaration("count").features
    renamed = Definitions((feature.model_copy(update={"name": "other", "about": "New."}),), digest="b")
    old, new, empty = Engine(Definitions((feature,), digest="a")), Engine(renamed), Engine(Definitions())
    state = old.follow(None, None)
    for use in random_uses(Random(1), 20):
        old.apply(state, use)
    counted = old.read(state, 2e9)[feature.name]
    assert counted > 0
    assert new.read(new.follow(state, 2e9), 2e9) == {"other": counted}
    assert old.read(old.follow(empty.follow(state, 2e9), 2e9), 2e9) == {}


def random_declaration(aggregate: str) -> Definitions:
    return parse_definitions(
        f'[[features]]\nname = "f"\nabout = "F."\naggregate = "{aggregate}"\nevents = {{type = "track"}}\n'
    )
