import re

import orjson
import pytest

from stream_app.intake.trackers import FORMS, Unreadable, detect, read
from stream_app.intake.trackers.json_records import MAX_EVENTS
from stream_app.intake.trackers.query_strings import MAX_PARAMETERS
from stream_app.intake.trackers.segment import MAX_SHARED_CONTEXT
from stream_app.schemas.events import EVENT_ADAPTER

SECRET = "x@example.com"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"[1]",
        b"{}",
        b"{",
        b"\xff",
        b"a,b,c",
        b"plain text with e=pv inside",
        b'{"type": "track", "event": "x", "userId": "u", "e": 1}',
        b'{"event": "x", "userId": "u"}',
        b'{"batch": []}',
        b'{"batch": [7]}',
        b'{"batch": {"event": "x", "distinct_id": "u"}}',
        b'{"type": "page"' + b"\t" * 200 + b"}",
    ],
)
def test_what_nothing_tells_is_segment_s(value: bytes) -> None:
    assert detect(value) == "segment"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (b"e=pv", "snowplow_payload"),
        (b"/i?p=web&e=ue&tv=x", "snowplow_payload"),
        (b' [{"e": "pv"}]', "snowplow_payload"),
        (b'{"type": "capture", "event": "x", "distinct_id": "u"}', "posthog"),
        (b'{"event": "x", "$distinct_id": "u"}', "posthog"),
        (b'{"event": "x", "properties": {"distinct_id": "u"}}', "posthog"),
        (b'{"batch": [{"event": "x", "distinct_id": "u"}]}', "posthog"),
        (b'{"api_key": "k", "batch": []}', "posthog"),
        (b'{"event_id": "e", "app_id": "a", "event": "page_view", "user_id": "u"}', "snowplow_enriched"),
        (b"\t" * 130, "snowplow_enriched"),
        (b'{"anonymous_id": "a", "event": "x", "ts": 1}', "flat"),
    ],
)
def test_shapes_that_tell_a_form(value: bytes, form: str) -> None:
    assert detect(value) == form


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "value", [b"", b"7", b'"text"', b"[[]]", b"{", b"\xff\xfe", b"[" * 3000 + b"]" * 3000]
)
def test_what_is_not_of_a_form_is_unreadable(value: bytes, form: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(value, form)
    assert caught.value.detail


@pytest.mark.parametrize(
    ("form", "value", "detail"),
    [
        ("segment", b'{"batch": {}}', "batch holds something else than JSON objects"),
        ("segment", b'{"batch": [1]}', "batch holds something else than JSON objects"),
        ("posthog", b'{"batch": null}', "batch holds something else than JSON objects"),
        ("snowplow_payload", b'{"schema": "x"}', "data holds something else than JSON objects"),
        ("snowplow_payload", b"&", "neither a JSON object nor a query string"),
        ("snowplow_enriched", b"a\tb", "2 fields; an enriched event has 131"),
        ("snowplow_enriched", b"\t" * 131, "132 fields; an enriched event has 131"),
        ("flat", b"user_id=1", "not JSON"),
        ("flat", b'{"user_id": "\xff"}', "not UTF-8 at byte"),
    ],
)
def test_the_detail_says_what_is_wrong(form: str, value: bytes, detail: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(detail)):
        read(value, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [SECRET, f'"{SECRET}"', f'["{SECRET}"]', f'[{{"{SECRET}": "{SECRET}"'])
def test_the_detail_tells_no_value(form: str, value: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(value.encode(), form)
    assert SECRET not in caught.value.detail


def test_a_batch_has_a_bound() -> None:
    call = {"e": "pv", "event": "x", "distinct_id": "u", "user_id": "u", "type": "page"}
    for form, body in {
        "segment": {"batch": [call] * (MAX_EVENTS + 1)},
        "posthog": {"batch": [call] * (MAX_EVENTS + 1)},
        "snowplow_payload": {"schema": "iglu:a/payload_data/b/1", "data": [call] * (MAX_EVENTS + 1)},
        "flat": [call] * (MAX_EVENTS + 1),
    }.items():
        with pytest.raises(Unreadable, match=f"at most {MAX_EVENTS}"):
            read(orjson.dumps(body), form)


def test_a_shared_context_has_a_bound() -> None:
    body = {"context": {"a": "x" * MAX_SHARED_CONTEXT}, "batch": [{"type": "page"}]}
    with pytest.raises(Unreadable, match="context"):
        read(orjson.dumps(body), "segment")


def test_a_query_string_has_a_bound() -> None:
    with pytest.raises(Unreadable, match=f"{MAX_PARAMETERS} parameters"):
        read(b"e=pv" + b"&a=1" * MAX_PARAMETERS, "snowplow_payload")


@pytest.mark.parametrize(
    ("form", "record", "missing"),
    [
        ("snowplow_payload", {"e": "ue", "ue_px": "%%%", "duid": "d", "dtm": "1772438400084"}, "event"),
        ("snowplow_payload", {"e": "ue", "ue_px": "AAAA", "duid": "d", "dtm": "1772438400084"}, "event"),
        ("snowplow_payload", {"e": "se", "duid": "d", "dtm": "1772438400084"}, "event"),
        ("snowplow_payload", {"e": "zz", "duid": "d", "dtm": "1772438400084"}, "type"),
        ("posthog", {"distinct_id": "d", "api_key": "k"}, "event"),
        ("posthog", {"event": "$create_alias", "distinct_id": "d"}, "previousId"),
        ("flat", {"user_id": "u", "ts": 1, "event": ""}, "event"),
    ],
)
def test_what_an_event_of_a_batch_lacks_is_left_to_the_contract(
    form: str, record: object, missing: str
) -> None:
    (event,) = read(orjson.dumps(record), form)
    assert missing not in event
    with pytest.raises(ValueError, match=missing):
        EVENT_ADAPTER.validate_python(event, by_alias=True, by_name=False)
