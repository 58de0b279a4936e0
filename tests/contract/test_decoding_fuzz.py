"""`decode` has an answer to any bytes, and its details never carry what was sent."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.intake.decoding import Failure, TimedEvent, decode
from stream_app.schemas.events import EVENT_TYPES
from stream_app.schemas.outputs import FailureReason
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
GOOD = [file.read_bytes() for name in EVENT_TYPES for file in sorted((EXAMPLES / name).glob("*.json"))]
BAD = [file.read_bytes() for file in sorted(EXAMPLES.glob("*/bad/*"))]
RULES = Rules()
RECEIVED_AT = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
PLANTS = ("jane.roe@mail.example", "+49 151 5550199")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=4,
)
FIELDS = ("userId", "timestamp", "receivedAt", "context", "properties", "traits", "event")
loose_events = st.fixed_dictionaries(
    {"type": st.sampled_from(EVENT_TYPES)}, optional=dict.fromkeys(FIELDS, json_values)
)


def check_answer(value: bytes) -> TimedEvent | Failure:
    decoded = decode(value, RECEIVED_AT, INTAKE.privacy, RULES)
    if isinstance(decoded, TimedEvent):
        assert decoded.user_key
        assert RULES.earliest_time <= decoded.at <= RECEIVED_AT + RULES.allowed_skew
    else:
        assert isinstance(decoded, Failure)
        assert decoded.reason in FailureReason
        assert decoded.detail
        assert len(decoded.detail) < 1000
    return decoded


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered(value: bytes):
    check_answer(value)


@settings(max_examples=200, deadline=None)
@given(json_values | loose_events)
def test_any_json_is_answered(value: Any):
    check_answer(json.dumps(value).encode())


def flip_bytes(value: bytes, choose: random.Random) -> bytes:
    changed = bytearray(value)
    for _ in range(choose.randint(1, 4)):
        place = choose.randrange(len(changed) + 1)
        match choose.randrange(3):
            case 0:
                changed[place:place] = choose.randbytes(choose.randint(1, 3))
            case 1:
                del changed[place : place + choose.randint(1, 8)]
            case _:
                changed[place : place + 1] = choose.choice(b'{}[]",:\\0-e\x00\xff').to_bytes()
    return bytes(changed)


def cut(value: bytes, choose: random.Random) -> bytes:
    return value[: choose.randrange(len(value))]


def cross(value: bytes, choose: random.Random) -> bytes:
    other = choose.choice(GOOD)
    return value[: choose.randrange(len(value))] + other[choose.randrange(len(other)) :]


ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0.5, 1e308, 10**400, float("nan"), float("inf"), "", "x" * 10_000, [], {}, [[]],
    {"": None}, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", -62_135_596_800,
    "\u0000", "\U0010ffff",
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def put(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = dict(node) if isinstance(node, dict) else list(node)
    changed[path[0]] = put(changed[path[0]], path[1:], value)
    return changed


def swap_value(value: bytes, choose: random.Random) -> bytes:
    event = json.loads(value)
    return json.dumps(put(event, choose.choice(list(places(event))), choose.choice(ODD_VALUES))).encode()


@pytest.mark.parametrize("mutate", [flip_bytes, cut, cross, swap_value])
def test_mutated_events_are_answered(mutate: Callable[[bytes, random.Random], bytes]):
    choose = random.Random(20260302)
    failures = sum(
        isinstance(check_answer(mutate(choose.choice(GOOD), choose)), Failure) for _ in range(2_000)
    )
    assert failures > 200


def planted(value: bytes, plant: str) -> Iterator[bytes]:
    """The event with the plant as each of its values and keys, deep in it, and in broken JSON."""
    event = json.loads(value)
    for path in places(event):
        for odd in (plant, [plant], {plant: plant}, {plant: [plant]}, {plant: {plant: None}}):
            yield json.dumps(put(event, path, odd)).encode()
    raw = value.replace(b":", b": " + json.dumps(plant).encode() + b" ", 1)
    yield from (
        raw,
        value + plant.encode(),
        plant.encode(),
        b"{" + plant.encode(),
        value[:-3] + plant.encode(),
    )
    yield value[:-2] + b', "' + plant.encode() + b'": "\xff"}'


@pytest.mark.parametrize("plant", PLANTS)
def test_details_never_carry_what_was_sent(plant: str):
    details = []
    for value in GOOD + [bad for bad in BAD if bad.startswith(b"{")]:
        try:
            variants = list(planted(value, plant))
        except ValueError:
            variants = [value + plant.encode(), value.replace(b'"', b'"' + plant.encode())]
        details += [answer.detail for answer in map(check_answer, variants) if isinstance(answer, Failure)]
    assert len(details) > 1_000
    words = {plant, *plant.split("@"), plant.replace(" ", ""), plant[-7:]}
    assert [detail for detail in details if any(word in detail for word in words)] == []
