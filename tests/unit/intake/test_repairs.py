"""A wrong optional field costs that field, by name; what says who, when or what costs the event."""

import json
from typing import Any

import pytest

from stream_app.intake.decoding import Failure, TimedEvent, decode
from stream_app.intake.wire import IdentifyCall, PageCall, TrackCall
from stream_app.schemas.outputs import FailureReason
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

RECEIVED_AT = 1_772_438_460.0
TIME = "2026-03-02T08:00:00Z"
PAGE = {"type": "page", "userId": "u-1", "messageId": "m-1", "timestamp": TIME}
TRACK = {**PAGE, "type": "track", "event": "Clicked"}


def accepted(event: Any) -> TimedEvent:
    value = event if isinstance(event, bytes) else json.dumps(event).encode()
    decoded = decode(value, RECEIVED_AT, INTAKE.privacy, Rules())
    assert isinstance(decoded, TimedEvent), decoded
    return decoded


def refused(event: Any) -> Failure:
    decoded = decode(json.dumps(event).encode(), RECEIVED_AT, INTAKE.privacy, Rules())
    assert isinstance(decoded, Failure)
    return decoded


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        ({"properties": []}, "properties"),
        ({"properties": None}, "properties"),
        ({"properties": "text"}, "properties"),
        ({"context": []}, "context"),
        ({"context": {"os": {"version": 17}}}, "context.os.version"),
        ({"context": {"os": "Linux"}}, "context.os"),
        ({"context": {"page": {"title": "x" * 1025}}}, "context.page.title"),
        ({"context": {"page": {"url": "x" * 8193}}}, "context.page.url"),
        ({"context": {"sessionId": ""}}, "context.sessionId"),
        ({"context": {"sessionId": [1]}}, "context.sessionId"),
        ({"context": {"userAgent": "x" * 4097}}, "context.userAgent"),
        ({"context": {"location": {"country": 49}}}, "context.location.country"),
        ({"context": {"consent": "all"}}, "context.consent"),
        ({"name": 7}, "name"),
        ({"category": {}}, "category"),
        ({"messageId": "x" * 257}, "messageId"),
        ({"messageId": ""}, "messageId"),
        ({"messageId": {}}, "messageId"),
        ({"sentAt": "soon"}, "sentAt"),
        ({"receivedAt": [], "sentAt": TIME}, "receivedAt"),
        ({"timestamp": "yesterday", "originalTimestamp": TIME}, "timestamp"),
        ({"originalTimestamp": "yesterday"}, "originalTimestamp"),
        ({"anonymousId": {}}, "anonymousId"),
        ({"anonymousId": "x" * 257}, "anonymousId"),
    ],
)
def test_a_wrong_optional_field_costs_that_field(fields: dict[str, Any], dropped: str) -> None:
    decoded = accepted({**PAGE, **fields})
    assert decoded.dropped == (dropped,)
    assert (decoded.user_key, decoded.at) == ("u-1", 1_772_438_400.0)


def test_several_wrong_fields_cost_themselves_and_what_is_right_stays() -> None:
    page = {"url": "https://shop.example/p", "title": 5, "referrer": "https://a.example/"}
    context = {"page": page, "os": {"name": "Linux", "version": 17}, "locale": ["de"]}
    event = accepted({**PAGE, "context": context, "properties": []})
    assert set(event.dropped) == {
        "context.page.title", "context.os.version", "context.locale", "properties",
    }  # fmt: skip
    assert isinstance(event.event, PageCall)
    assert event.event.context is not None
    assert event.event.context.page is not None
    assert event.event.context.page.referrer == "https://a.example/"
    assert event.event.context.os is not None
    assert event.event.context.os.name == "Linux"


def test_traits_that_are_none_leave_an_identify() -> None:
    event = accepted({**PAGE, "type": "identify", "traits": None})
    assert isinstance(event.event, IdentifyCall)
    assert event.event.traits == {}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({**TRACK, "event": 7}, FailureReason.CONTRACT),
        ({**TRACK, "event": "", "properties": []}, FailureReason.CONTRACT),
        ({**PAGE, "userId": {}}, FailureReason.CONTRACT),
        ({**PAGE, "userId": "x" * 257, "anonymousId": "a"}, FailureReason.CONTRACT),
        ({**PAGE, "userId": None, "anonymousId": []}, FailureReason.CONTRACT),
        ({**PAGE, "timestamp": "yesterday"}, FailureReason.BAD_TIME),
        ({**PAGE, "timestamp": [], "originalTimestamp": "x"}, FailureReason.BAD_TIME),
        ({**PAGE, "type": "alias", "previousId": ""}, FailureReason.CONTRACT),
        ({**PAGE, "type": "group", "groupId": []}, FailureReason.CONTRACT),
        ({**PAGE, "type": "label", "properties": {"target": "t", "value": {}}}, FailureReason.CONTRACT),
        ({**PAGE, "type": "label", "properties": {"target": "t", "value": 1, "features": 5}},
         FailureReason.CONTRACT),
        ({**PAGE, "type": "session", "properties": {"pageViews": -1, "duration": 1}}, FailureReason.CONTRACT),
        ({**PAGE, "type": "session", "properties": []}, FailureReason.CONTRACT),
    ],
)  # fmt: skip
def test_what_says_who_when_or_what_costs_the_event(event: dict[str, Any], reason: FailureReason) -> None:
    assert refused(event).reason is reason


def test_a_session_s_optional_fields_cost_themselves() -> None:
    summary = {"sessionId": "", "pageViews": 3, "duration": 60, "items": "sku-1", "searchQuery": 5}
    event = accepted({**PAGE, "type": "session", "properties": summary})
    assert event.dropped == ("properties.sessionId", "properties.items", "properties.searchQuery")


@pytest.mark.parametrize("field", ["userId", "anonymousId"])
@pytest.mark.parametrize(("written", "meant"), [(12, "12"), (12.0, "12"), (-3, "-3")])
def test_a_number_for_an_id_is_that_id_as_a_text(field: str, written: float, meant: str) -> None:
    event = accepted({"type": "page", "timestamp": TIME, field: written})
    assert (event.user_key, event.dropped) == (meant, ())


@pytest.mark.parametrize("written", [12.5, True, float(2**60)])
def test_what_is_no_whole_number_is_no_id(written: float) -> None:
    assert refused({**PAGE, "userId": written}).reason is FailureReason.CONTRACT


def test_a_preference_in_other_words_is_agreed_only_if_it_says_so() -> None:
    said = {"analytics": "granted", "marketing": "denied", "personalisation": {}}
    event = accepted({**PAGE, "context": {"consent": {"categoryPreferences": said}}})
    assert event.event.context is not None
    assert event.event.context.consent is not None
    assert event.event.context.consent.category_preferences == {
        "analytics": True, "marketing": False, "personalisation": False,
    }  # fmt: skip
    assert set(event.dropped) == {"context.consent.categoryPreferences"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 30])
def test_a_number_that_json_has_not_costs_itself(number: str) -> None:
    value = f'{{"type": "track", "event": "Clicked", "userId": "u-1", "timestamp": "{TIME}", '
    value += f'"properties": {{"price": {number}, "list": [1, {number}], "size": 5}}}}'
    event = accepted(value.encode())
    assert isinstance(event.event, TrackCall)
    assert event.event.properties["size"] == 5
    if "1" * 30 not in value:  # long whole numbers are JSON, and are read by nothing here
        assert event.event.properties == {"price": None, "list": [1, None], "size": 5}


def test_the_names_that_are_counted_are_the_contract_s_never_the_sender_s() -> None:
    event = accepted({**PAGE, "context": {"consent": {"categoryPreferences": {"pat@example.org": []}}}})
    assert event.dropped == ("context.consent.categoryPreferences",)
