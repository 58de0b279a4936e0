"""Any event survives its wire form, and so do the bytes of one that failed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.same_event import plain

from stream_app.intake.decoding import TimedEvent, decode
from stream_app.schemas import events
from stream_app.schemas.outputs import FailedEvent, FailureReason, SourcePosition
from stream_app.schemas.topics import EVENTS
from stream_app.settings.placeholder_ids import PlaceholderIds
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

RECEIVED_AT = datetime(2030, 1, 1, tzinfo=UTC)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(text, json_values, max_size=4)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2000, 1, 2), datetime(2029, 12, 30), timezones=offsets)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


named = st.builds(events.NamedContext, name=maybe(text), version=maybe(text))
contexts = st.builds(
    events.Context,
    ip=maybe(text),
    user_agent=maybe(text),
    locale=maybe(text),
    timezone=maybe(text),
    session_id=maybe(ids | st.integers(0, 2**62)),
    page=maybe(
        st.builds(
            events.PageContext, url=maybe(text), path=maybe(text), referrer=maybe(text), title=maybe(text)
        )
    ),
    device=maybe(st.builds(events.DeviceContext, type=maybe(text))),
    os=maybe(named),
    browser=maybe(named),
    location=maybe(st.builds(events.LocationContext, country=maybe(text))),
    campaign=maybe(
        st.builds(events.CampaignContext, source=maybe(text), medium=maybe(text), name=maybe(text))
    ),
    consent=maybe(
        st.builds(
            events.ConsentContext, category_preferences=st.dictionaries(text, st.booleans(), max_size=4)
        )
    ),
)
summaries = st.builds(
    events.SessionSummary,
    session_id=maybe(ids),
    page_views=st.integers(0, 1_000_000),
    duration=st.floats(0, 7 * 86_400),
    items=st.lists(ids, max_size=4),
    search_query=maybe(text),
)
labels = st.builds(
    events.Label,
    target=ids,
    value=st.booleans() | numbers | text,
    item_id=maybe(ids),
    features=maybe(st.dictionaries(ids, st.floats(allow_nan=False, allow_infinity=False) | text, max_size=4)),
)
PARTICULARS: dict[type[events.ContractEvent], dict[str, st.SearchStrategy[Any]]] = {
    events.PageEvent: {"name": maybe(text), "category": maybe(text), "properties": objects},
    events.ScreenEvent: {"name": maybe(text), "category": maybe(text), "properties": objects},
    events.TrackEvent: {"event": ids, "properties": objects},
    events.IdentifyEvent: {"traits": objects},
    events.AliasEvent: {"previous_id": ids},
    events.GroupEvent: {"group_id": ids, "traits": objects},
    events.SessionEvent: {"properties": summaries},
    events.LabelEvent: {"properties": labels},
}


@st.composite
def wire_events(draw: st.DrawFn) -> events.ContractEvent:
    model = draw(st.sampled_from(list(PARTICULARS)))
    user_id, anonymous_id = draw(st.tuples(maybe(ids), ids) | st.tuples(ids, maybe(text)))
    return model(
        type=model.model_fields["type"].annotation.__args__[0],
        message_id=draw(maybe(ids)),
        user_id=user_id,
        anonymous_id=anonymous_id,
        timestamp=draw(times),
        received_at=draw(maybe(st.just(RECEIVED_AT))),
        context=draw(maybe(contexts)),
        **{name: draw(strategy) for name, strategy in PARTICULARS[model].items()},
    )


def test_strategies_know_every_event_type():
    assert {model.model_fields["type"].annotation.__args__[0] for model in PARTICULARS} == set(
        events.EVENT_TYPES
    )


@settings(max_examples=200, deadline=None)
@given(event=wire_events())
def test_an_event_survives_its_wire_form(
    event: events.ContractEvent, validator: Callable[[str], Draft202012Validator]
):
    wire = event.model_dump_json(by_alias=True)
    every_id = Rules(placeholder_ids=PlaceholderIds(frozenset(), frozenset()))
    decoded = decode(wire.encode(), RECEIVED_AT.timestamp(), INTAKE.privacy, every_id)
    assert isinstance(decoded, TimedEvent), decoded
    assert plain(decoded.event) == plain(event)
    assert decoded.user_key == (event.user_id or event.anonymous_id)
    assert decoded.at == pytest.approx(event.timestamp.timestamp(), abs=1e-6)
    validator(EVENTS.name).validate(json.loads(wire))


@settings(max_examples=200, deadline=None)
@given(value=st.none() | st.binary(max_size=200), key=st.none() | st.binary(max_size=50))
def test_failed_events_bring_back_the_original_bytes(value: bytes | None, key: bytes | None):
    failed = FailedEvent(
        id="0" * 32,
        user_key=None,
        as_of=datetime(2026, 3, 2, tzinfo=UTC),
        emitted_at=datetime(2026, 3, 2, tzinfo=UTC),
        source=SourcePosition(topic=EVENTS.name, partition=0, offset=0),
        reason=FailureReason.BAD_JSON,
        detail="",
        key=key,
        original=value,
    )
    assert FailedEvent.model_validate_json(failed.model_dump_json()) == failed
