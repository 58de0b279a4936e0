"""The core's fast form of an event (`intake.wire`) and the contract (`schemas.events`) answer alike."""

import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.same_event import plain

from stream_app.intake import wire
from stream_app.intake.decoding import TimedEvent, decode
from stream_app.intake.shop_names import settle
from stream_app.schemas import events
from stream_app.schemas.events import EVENT_ADAPTER, EVENT_TYPES
from stream_app.schemas.outputs import FailureReason
from stream_app.settings.placeholder_ids import PlaceholderIds
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
GOOD = [json.loads(file.read_bytes()) for name in EVENT_TYPES for file in (EXAMPLES / name).glob("*.json")]
# How deep both read has a test of its own.
BAD = [file.read_bytes() for file in EXAMPLES.glob("*/bad/*") if not file.name.startswith("too_deep")]
CONTRACT = EVENT_ADAPTER.json_schema()["$defs"]
# What the core calls each class of the contract.
COUNTERPARTS = {
    "PageEvent": "PageCall",
    "ScreenEvent": "ScreenCall",
    "TrackEvent": "TrackCall",
    "IdentifyEvent": "IdentifyCall",
    "AliasEvent": "AliasCall",
    "GroupEvent": "GroupCall",
    "SessionEvent": "SessionCall",
    "SessionSummary": "SessionTotals",
    "LabelEvent": "LabelCall",
    "Label": "GivenLabel",
    "Context": "CallContext",
    "PageContext": "Page",
    "DeviceContext": "Device",
    "NamedContext": "Named",
    "LocationContext": "Location",
    "CampaignContext": "Campaign",
    "ConsentContext": "Consent",
}
WIRE = msgspec.json.schema_components([wire.Event])[1]
# Both read every id; that some stand for nothing is for `intake.placeholders` to say.
RULES = Rules(placeholder_ids=PlaceholderIds(frozenset(), frozenset()))
RECEIVED_AT = 4e9
# A good event is refused for these all the same: the contract sees its form alone.
BEYOND_THE_FORM = {FailureReason.MISSING_USER, FailureReason.MISSING_TIME, FailureReason.TIME_OUT_OF_RANGE}
many = settings(max_examples=600, deadline=None)


def read_by_contract(value: bytes) -> events.ContractEvent | None:
    try:
        return EVENT_ADAPTER.validate_json(value, by_alias=True, by_name=False)
    except ValidationError:
        return None


def read_on_the_wire(value: bytes) -> wire.Event | None:
    try:
        value.decode()  # as `decode` does first, for msgspec does not look into what it passes over
        return wire.decode_event(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def check_agreement(value: bytes) -> bool:
    """Whether the contract takes a value; whatever the core makes of it must follow from that."""
    told, fast = read_by_contract(value), read_on_the_wire(value)
    if fast is not None:
        assert told is not None, "the core takes what the contract refuses"
        assert plain(fast) == plain(told)
    decoded = decode(value, RECEIVED_AT, INTAKE.privacy, RULES)
    if not isinstance(decoded, TimedEvent):
        assert told is None or decoded.reason in BEYOND_THE_FORM, decoded
    elif told is None or decoded.dropped:
        # What was put right or taken out leaves an event that keeps the contract.
        assert read_by_contract(msgspec.json.encode(decoded.event)) is not None
    else:
        assert plain(decoded.event) == plain(settled(told))
    return told is not None


def settled(told: events.ContractEvent) -> wire.Event:
    """The event with what a shop sells in the contract's own names."""
    event = wire.convert_event(told.model_dump(by_alias=True, exclude_none=True))
    if isinstance(event, wire.TrackCall):
        settle(event)
    return event


# What only one of the two libraries writes down, or says in other words.
WORDS = {"title", "description", "format"}


def meaning(schema: Any) -> Any:
    """A JSON Schema without the words of the library that wrote it."""
    if isinstance(schema, list):
        return [meaning(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: meaning(part) for name, part in schema.items() if name not in WORDS}
    if "const" in kept:
        return {"enum": [kept["const"]]}
    if "$ref" in kept:
        name = kept["$ref"].removeprefix("#/$defs/")
        kept["$ref"] = COUNTERPARTS.get(name, name)
    if kept.get("additionalProperties") is True:
        del kept["additionalProperties"]
    return kept


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_both_forms_have_the_same_fields_types_and_bounds(name: str) -> None:
    told, fast = CONTRACT[name], WIRE[COUNTERPARTS[name]]
    fields = {field: meaning(schema) for field, schema in told["properties"].items()}
    assert {field: meaning(schema) for field, schema in fast["properties"].items()} == fields
    assert set(fast["required"]) == set(told.get("required", ()))


def test_both_forms_have_the_same_parts() -> None:
    assert CONTRACT.keys() == COUNTERPARTS.keys()
    assert WIRE.keys() == set(COUNTERPARTS.values())


def test_no_class_of_the_core_is_named_like_one_of_the_contract() -> None:
    assert not CONTRACT.keys() & WIRE.keys()


texts = st.text(max_size=8) | st.sampled_from(["", "é", "\U0001f600", "\x00", "null", "1", "true", "é\u0301"])
numbers = (
    st.integers(-3, 3)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40, 1e22, 1e308, 5e-324, -0.0, 1.0, 1_000_000]
    )
)
times = st.sampled_from(
    [
        "2024-03-04T08:00:00Z", "2024-03-04t08:00:00z", "2024-03-04 08:00:00", "2024-03-04 08:00:00+00:00",
        "2024-03-04T08:00:00", "2024-03-04T08:00", "2024-03-04T08", "2024-03-04", "2024-03-04T08:00:00,5Z",
        "2024-03-04T08:00:00.123456789Z", "2024-03-04T08:00:00.9999999Z", "2024-03-04T08:00:00.1Z",
        "2024-03-04T08:00:00.1234565Z", "2024-03-04T08:00:00+0200", "2024-03-04T08:00:00+02",
        "2024-03-04T08:00:00-00:00", "2024-03-04T08:00:00+23:59", "2024-03-04T08:00:00+24:00",
        "2024-03-04T08:00:60Z", "2024-03-04T24:00:00Z", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "20240304T080000Z",
        "2024-W10-1", "+2024-03-04T08:00:00Z", " 2024-03-04T08:00:00Z", "2024-03-04T08:00:00Z ", "now", "",
        "1709539200", "1709539200.5", "1709539200000", "٢٠٢٤-03-04T08:00:00Z",
        1709539200, 1709539200.25, 1709539200000, 1709539200123.75, 0, -1, 1e300, None, True, [], {},
    ]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | numbers | texts | times,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
BOUNDS = (1, 128, 256, 1024, 4096, 8192)
long_texts = st.builds(
    lambda bound, more, letter: letter * max(bound + more, 0),
    st.sampled_from(BOUNDS),
    st.integers(-1, 1),
    st.sampled_from(["x", "é", "\U0001f600", '"']),
)
anything = values | long_texts

NAMES = sorted(
    {name for definition in CONTRACT.values() for name in definition.get("properties", ())}
    | {"message_id", "user_id", "surplus"}
)


def parts_of(node: Any) -> list[dict[str, Any]]:
    """The objects within a value, itself first."""
    found = [node] if isinstance(node, dict) else []
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        found += parts_of(inner)
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A good event in which some fields hold something else, are gone, or are new."""
    event = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    for _ in range(draw(st.integers(0, 3))):
        part = draw(st.sampled_from(parts_of(event)))
        name = draw(
            st.sampled_from(sorted(part)) | st.sampled_from(NAMES) if part else st.sampled_from(NAMES)
        )
        if draw(st.booleans()):
            # A copy: what was drawn may be changed by a later round.
            part[name] = deepcopy(draw(times if "time" in name.lower() or name.endswith("At") else anything))
        else:
            part.pop(name, None)
    return event


@many
@given(event=mutated(), ascii_only=st.booleans())
def test_mutated_events_are_judged_alike(event: Any, ascii_only: bool) -> None:
    check_agreement(json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@many
@given(event=st.fixed_dictionaries({"type": st.sampled_from(EVENT_TYPES), "timestamp": times}))
@pytest.mark.parametrize("rest", [{}, {"event": "x", "previousId": "p", "groupId": "g"}])
def test_times_in_odd_forms_are_read_alike(rest: dict[str, str], event: dict[str, Any]) -> None:
    check_agreement(json.dumps({"userId": "u", **event, **rest}).encode())


@many
@given(
    label=st.fixed_dictionaries(
        {
            "target": st.sampled_from(["t", "t", "t", ""]) | long_texts,
            "value": st.booleans() | numbers | texts | anything,
        },
        optional={
            "itemId": anything,
            "features": values
            | st.dictionaries(
                st.sampled_from(["a", "b", "c"]) | texts | long_texts,
                st.booleans() | numbers | texts | anything,
                max_size=3,
            ),
        },
    )
)
def test_labels_are_read_alike(label: dict[str, Any]) -> None:
    event = {"type": "label", "userId": "u", "timestamp": "2024-03-04T08:00:00Z", "properties": label}
    check_agreement(json.dumps(event).encode())


@many
@given(
    summary=st.fixed_dictionaries(
        {"pageViews": numbers | anything, "duration": numbers | anything},
        optional={"sessionId": anything, "items": st.lists(texts | values, max_size=3) | values},
    )
)
def test_summaries_are_read_alike(summary: dict[str, Any]) -> None:
    event = {"type": "session", "userId": "u", "timestamp": "2024-03-04T08:00:00Z", "properties": summary}
    check_agreement(json.dumps(event).encode())


@many
@given(
    context=st.fixed_dictionaries(
        {"sessionId": numbers | anything},
        optional={
            "timezone": anything,
            "page": values | st.dictionaries(st.sampled_from(["url", "path", "title", "x"]), anything),
            "os": values | st.dictionaries(st.sampled_from(["name", "version"]), anything),
            "consent": values
            | st.fixed_dictionaries(
                {"categoryPreferences": st.dictionaries(texts, st.booleans() | anything)}
            ),
        },
    )
)
def test_contexts_are_read_alike(context: dict[str, Any]) -> None:
    event = {"type": "page", "userId": "u", "timestamp": "2024-03-04T08:00:00Z", "context": context}
    check_agreement(json.dumps(event).encode())


@pytest.mark.parametrize("value", BAD, ids=lambda value: value[:40].decode("latin-1"))
def test_bad_examples_are_refused_by_both_or_beyond_the_form(value: bytes) -> None:
    check_agreement(value)


@pytest.mark.parametrize("example", GOOD, ids=lambda example: example["type"])
def test_good_examples_need_no_second_look(example: dict[str, Any]) -> None:
    value = json.dumps(example).encode()
    assert check_agreement(value)
    assert read_on_the_wire(value) is not None


def nested(depth: int) -> bytes:
    return (
        b'{"type":"page","userId":"u","timestamp":1709539200,"properties":'
        + b'{"a":' * depth
        + b"1"
        + b"}" * (depth + 1)
    )


@pytest.mark.parametrize("depth", [1, 30, 198, 199, 200, 201, 300, 600, 5_000])
@pytest.mark.parametrize("time", [b"1709539200", b'"2024-03-04T08:00:00Z"'])
def test_both_read_equally_deep(depth: int, time: bytes) -> None:
    value = nested(depth).replace(b"1709539200", time)
    is_taken = isinstance(decode(value, RECEIVED_AT, INTAKE.privacy, RULES), TimedEvent)
    assert is_taken == (read_by_contract(value) is not None) == (depth < 200)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    event = {"type": "page", "userId": "u", "timestamp": 1709539200, "properties": {"all": [[{}]] * 400}}
    assert check_agreement(json.dumps(event).encode())
    assert check_agreement(json.dumps({**event, "timestamp": "2024-03-04T08:00:00Z"}).encode())


ENDLESS = b"9" * 5_000
ODD_TEXTS = [
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\x"', b'"\x01"', b'"\xff"',
    b'"\xc0\x80"', b'"\xed\xa0\x80"', b"'x'", b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400",
    b"01", b"1.", b".5", b"+1",
    b"1e5", b"1E+2", b"-0", b"-0.0", b"0.1e1", b"9" * 400, ENDLESS, b"1" + b"0" * 30, b"[1,]", b"{}", b"[,]",
    b"/**/1", b"1 2", b"true", b"tru", b"null", b"nul", b'{"a":1,"a":2}', b'{"a":1,}',
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=lambda odd: odd[:20].decode("latin-1"))
@pytest.mark.parametrize("name", ["name", "surplus", "timestamp", "userId", "properties", "context"])
def test_odd_json_is_read_alike(odd: bytes, name: str) -> None:
    event = {"type": "page", "userId": "u", "timestamp": "2024-03-04T08:00:00Z", name: "ODD"}
    # Nobody reads the digits of a number in a field that is passed over; the contract counts them.
    if (name, odd) != ("surplus", ENDLESS):
        check_agreement(json.dumps(event).encode().replace(b'"ODD"', odd))
    inner = {"type": "page", "userId": "u", "timestamp": "2024-03-04T08:00:00Z", "properties": {name: "ODD"}}
    check_agreement(json.dumps(inner).encode().replace(b'"ODD"', odd))


def test_of_a_field_that_is_there_twice_the_last_counts() -> None:
    choose = random.Random(5)
    for _ in range(300):
        event = json.dumps(choose.choice(GOOD)).encode()
        name = choose.choice(
            [b"userId", b"timestamp", b"messageId", b"properties", b"traits", b"context", b"event"]
        )
        odd = choose.choice(
            [b'"2024-03-04T08:00:00Z"', b"null", b'{"path":"/","path":"/x"}', b"1709539200", b'"x"']
        )
        check_agreement(event[:-1] + b',"' + name + b'":' + odd + b"}")
        check_agreement(b'{"' + name + b'":' + odd + b"," + event[1:])
