import re

import orjson
import pytest

from stream_app.intake.trackers import Form, Unreadable, detect, read
from stream_app.intake.trackers.json_records import MAX_EVENTS
from stream_app.intake.trackers.segment import MAX_SHARED_CONTEXT
from stream_app.intake.trackers.snowplow_payload import MAX_PARAMETERS
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
    assert detect(value) is Form.SEGMENT


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (b"e=pv", Form.SNOWPLOW_PAYLOAD),
        (b"/i?p=web&e=ue&tv=x", Form.SNOWPLOW_PAYLOAD),
        (b' [{"e": "pv"}]', Form.SNOWPLOW_PAYLOAD),
        (b'{"type": "capture", "event": "x", "distinct_id": "u"}', Form.POSTHOG),
        (b'{"event": "x", "$distinct_id": "u"}', Form.POSTHOG),
        (b'{"event": "x", "properties": {"distinct_id": "u"}}', Form.POSTHOG),
        (b'{"batch": [{"event": "x", "distinct_id": "u"}]}', Form.POSTHOG),
        (b'{"api_key": "k", "batch": []}', Form.POSTHOG),
        (b'{"event_id": "e", "app_id": "a", "event": "page_view", "user_id": "u"}', Form.SNOWPLOW_ENRICHED),
        (b"\t" * 130, Form.SNOWPLOW_ENRICHED),
        (b'{"anonymous_id": "a", "event": "x", "ts": 1}', Form.FLAT),
    ],
)
def test_shapes_that_tell_a_form(value: bytes, form: Form) -> None:
    assert detect(value) is form


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize(
    "value", [b"", b"7", b'"text"', b"[[]]", b"{", b"\xff\xfe", b"[" * 3000 + b"]" * 3000]
)
def test_what_is_not_of_a_form_is_unreadable(value: bytes, form: Form) -> None:
    with pytest.raises(Unreadable) as caught:
        read(value, form)
    assert caught.value.detail


@pytest.mark.parametrize(
    ("form", "value", "detail"),
    [
        (Form.SEGMENT, b'{"batch": {}}', "batch holds something else than JSON objects"),
        (Form.SEGMENT, b'{"batch": [1]}', "batch holds something else than JSON objects"),
        (Form.POSTHOG, b'{"batch": null}', "batch holds something else than JSON objects"),
        (Form.SNOWPLOW_PAYLOAD, b'{"schema": "x"}', "data holds something else than JSON objects"),
        (Form.SNOWPLOW_PAYLOAD, b"&", "neither a JSON object nor a query string"),
        (Form.SNOWPLOW_ENRICHED, b"a\tb", "2 fields; an enriched event has 131"),
        (Form.SNOWPLOW_ENRICHED, b"\t" * 131, "132 fields; an enriched event has 131"),
        (Form.FLAT, b"user_id=1", "not JSON"),
        (Form.FLAT, b'{"user_id": "\xff"}', "not UTF-8 at byte"),
    ],
)
def test_the_detail_says_what_is_wrong(form: Form, value: bytes, detail: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(detail)):
        read(value, form)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("value", [SECRET, f'"{SECRET}"', f'["{SECRET}"]', f'[{{"{SECRET}": "{SECRET}"'])
def test_the_detail_tells_no_value(form: Form, value: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(value.encode(), form)
    assert SECRET not in caught.value.detail


def test_a_batch_has_a_bound() -> None:
    call = {"e": "pv", "event": "x", "distinct_id": "u", "user_id": "u", "type": "page"}
    for form, body in {
        Form.SEGMENT: {"batch": [call] * (MAX_EVENTS + 1)},
        Form.POSTHOG: {"batch": [call] * (MAX_EVENTS + 1)},
        Form.SNOWPLOW_PAYLOAD: {"schema": "iglu:a/payload_data/b/1", "data": [call] * (MAX_EVENTS + 1)},
        Form.FLAT: [call] * (MAX_EVENTS + 1),
    }.items():
        with pytest.raises(Unreadable, match=f"at most {MAX_EVENTS}"):
            read(orjson.dumps(body), form)


def test_a_shared_context_has_a_bound() -> None:
    body = {"context": {"a": "x" * MAX_SHARED_CONTEXT}, "batch": [{"type": "page"}]}
    with pytest.raises(Unreadable, match="context"):
        read(orjson.dumps(body), Form.SEGMENT)


def test_a_query_string_has_a_bound() -> None:
    with pytest.raises(Unreadable, match=f"{MAX_PARAMETERS} parameters"):
        read(b"e=pv" + b"&a=1" * MAX_PARAMETERS, Form.SNOWPLOW_PAYLOAD)


@pytest.mark.parametrize(
    ("form", "record", "missing"),
    [
        (Form.SNOWPLOW_PAYLOAD, {"e": "ue", "ue_px": "%%%", "duid": "d", "dtm": "1772438400084"}, "event"),
        (Form.SNOWPLOW_PAYLOAD, {"e": "ue", "ue_px": "AAAA", "duid": "d", "dtm": "1772438400084"}, "event"),
        (Form.SNOWPLOW_PAYLOAD, {"e": "se", "duid": "d", "dtm": "1772438400084"}, "event"),
        (Form.SNOWPLOW_PAYLOAD, {"e": "zz", "duid": "d", "dtm": "1772438400084"}, "type"),
        (Form.POSTHOG, {"distinct_id": "d", "api_key": "k"}, "event"),
        (Form.POSTHOG, {"event": "$create_alias", "distinct_id": "d"}, "previousId"),
        (Form.FLAT, {"user_id": "u", "ts": 1, "event": ""}, "event"),
    ],
)
def test_what_an_event_of_a_batch_lacks_is_left_to_the_contract(
    form: Form, record: object, missing: str
) -> None:
    (event,) = read(orjson.dumps(record), form)
    assert missing not in event
    with pytest.raises(ValueError, match=missing):
        EVENT_ADAPTER.validate_python(event, by_alias=True, by_name=False)
