"""The recommender's fast form of a closed session and the contract answer alike."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stream_app.learning.session_records import SessionRecord, read_session
from stream_app.schemas.outputs import ClosedSession, ItemFacts, SourcePosition

NOW = datetime(2026, 3, 4, 12, 30, 15, 250_000, tzinfo=UTC)
SESSION = ClosedSession(
    id="0" * 32,
    user_key="u",
    as_of=NOW,
    emitted_at=NOW,
    source=SourcePosition(topic="t", partition=0, offset=5),
    session_id="s",
    started_at=NOW,
    ended_at=NOW,
    duration=79.5,
    event_count=3,
    page_views=2,
    items=["tea", "pot", "tea"],
    is_bot=False,
    device="mobile",
    may_personalise=True,
    item_facts={"tea": ItemFacts(category="drinks"), "pot": ItemFacts()},
)
PLAIN = json.loads(SESSION.encode())
STAMP = {"name": "m", "version": 1, "examples_seen": 0, "status": "ready"}
PATHS = [(name,) for name in PLAIN] + [
    ("source", "topic"),
    ("source", "offset"),
    ("item_facts", "tea"),
    ("item_facts", "tea", "category"),
    ("items", 0),
    ("unheard_of",),
    ("source", "unheard_of"),
    ("item_facts", "pot", "unheard_of"),
]
odd_values = st.sampled_from([
    None, True, 0, 1, 2, -1, 1.0, 1.5, -0.5, "", "1", "x", "closed_session", "user_erased", [], ["a"], [1],
    {}, {"a": {}}, STAMP, 10**30, "2026-03-04T12:00:00", "2026-03-04T12:00:00Z", "2026-03-04 12:00:00+01:00",
    "2026-03-04T24:00:00Z", "2026-13-04T12:00:00Z", "2026-03-04T12:00:00.1234567Z", 1_770_000_000, "177",
])  # fmt: skip


def by_contract(value: bytes) -> ClosedSession | None:
    try:
        return ClosedSession.model_validate_json(value)
    except ValidationError:
        return None


def check_agreement(value: bytes) -> None:
    fast, told = read_session(value), by_contract(value)
    if fast is None:
        return
    assert told is not None, "what the contract refuses is learned"
    for name in SessionRecord.__struct_fields__:
        if name in {"source", "item_facts"}:
            continue
        one, other = getattr(fast, name), getattr(told, name)
        if isinstance(one, datetime):  # digits beyond microseconds, which we never write, are rounded or cut
            assert abs(one - other) <= timedelta(microseconds=1), name
        else:
            assert one == other, name
    facts = {item: (known.category, known.brand) for item, known in told.item_facts.items()}
    assert {item: (known.category, known.brand) for item, known in fast.item_facts.items()} == facts


def test_what_workers_send_is_read_fast() -> None:
    assert read_session(SESSION.encode()) is not None
    check_agreement(SESSION.encode())
    assert set(SessionRecord.__struct_fields__) | {"schema_name"} == set(ClosedSession.model_fields)


@given(st.lists(st.tuples(st.sampled_from(PATHS), odd_values), min_size=1, max_size=2))
@settings(max_examples=300, deadline=None)
def test_a_changed_record_is_read_as_the_contract_reads_it(changes) -> None:
    changed = json.loads(json.dumps(PLAIN))
    for (*outer, last), value in changes:
        part = changed
        for name in outer:
            part = part.get(name) if isinstance(part, dict) else None
        if isinstance(part, dict) or (isinstance(part, list) and part and isinstance(last, int)):
            part[last] = value
    check_agreement(json.dumps(changed).encode())


@pytest.mark.parametrize("missing", PLAIN)
def test_a_record_without_a_field_is_read_as_the_contract_reads_it(missing) -> None:
    check_agreement(json.dumps({name: value for name, value in PLAIN.items() if name != missing}).encode())


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"null", b"[]", b"\xff", SESSION.encode()[:-1], SESSION.encode().replace(b"tea", b"\xff")],
)
def test_what_is_no_json_is_left_to_the_contract(value) -> None:
    assert read_session(value) is None
