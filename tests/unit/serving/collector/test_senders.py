"""Senders with addresses of their own: what each hears, where its write key is found, what is kept."""

import base64
import json
from typing import Any

import pytest
from support.collector_client import Collector

KEY = "key-of-the-shop"
TIME = 1_772_438_400
MIXPANEL = {
    "event": "Signed Up",
    "properties": {"token": KEY, "distinct_id": "u-1", "$insert_id": "i-1", "time": TIME, "mp_lib": "web"},
}
PROFILE = {"$token": KEY, "$distinct_id": "u-1", "$set": {"plan": "plus"}}
AMPLITUDE = {
    "api_key": KEY,
    "events": [{"event_type": "Signed Up", "user_id": "u-1", "insert_id": "i-1", "time": TIME * 1000}],
}
GTAG = f"v=2&tid={KEY}&cid=1.2&sid=3&_p=4&_s=5"
HIT = f"idsite={KEY}&rec=1&_id=a7&e_c=Account&e_a=Signed+Up"
JITSU = {"type": "track", "event": "Signed Up", "anonymousId": "a-1", "messageId": "m-1", "writeKey": "x:***"}


def in_base64(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def form(**fields: str) -> dict[str, Any]:
    return {"data": fields}


@pytest.mark.parametrize(
    ("method", "address", "sending", "status", "answer"),
    [
        ("POST", "/2/httpapi", {"json": AMPLITUDE}, 200, {"code": 200, "events_ingested": 1}),
        ("POST", "/batch", {"json": AMPLITUDE}, 200, {"code": 200, "events_ingested": 1}),
        ("POST", "/track", form(data=in_base64(MIXPANEL)), 200, "1"),
        ("POST", "/track", {"json": [MIXPANEL]}, 200, "1"),
        ("POST", "/track", form(data=json.dumps([MIXPANEL]), verbose="1"), 200, {"status": 1, "error": None}),
        ("POST", "/track?verbose=1", form(data=in_base64([MIXPANEL])), 200, {"status": 1, "error": None}),
        ("GET", "/track", {"params": {"data": in_base64(MIXPANEL)}}, 200, "1"),
        ("POST", "/engage", form(data=in_base64(PROFILE)), 200, "1"),
        ("POST", "/import", {"content": "\n".join([json.dumps(MIXPANEL)] * 2)}, 200,
         {"num_records_imported": 2}),
        ("POST", f"/mp/collect?measurement_id=G-1&api_secret={KEY}", {"json": {
            "client_id": "1.2", "events": [{"name": "sign_up", "params": {}}]}}, 204, ""),
        ("POST", f"/g/collect?{GTAG}&en=sign_up", {}, 204, ""),
        ("POST", f"/g/collect?{GTAG}", {"content": "en=page_view\r\nen=sign_up&ep.method=mail"}, 204, ""),
        ("GET", f"/g/collect?{GTAG}&en=sign_up", {}, 204, ""),
        ("GET", f"/matomo.php?{HIT}", {}, 200, b"GIF89a"),
        ("GET", f"/piwik.php?{HIT}&send_image=0", {}, 204, ""),
        ("POST", "/matomo.php", {"content": HIT, "headers": {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8"}}, 200, b"GIF89a"),
        ("POST", "/matomo.php", {"json": {"requests": [f"?{HIT}", f"?{HIT}"]}}, 200,
         {"status": "success", "tracked": 2, "invalid": 0}),
        ("POST", "/api/s/track", {"json": JITSU, "headers": {"x-write-key": f"{KEY}:secret"}}, 200,
         {"ok": True}),
        ("POST", "/api/s/s2s/track", {"json": JITSU, "headers": {"x-write-key": KEY}}, 200, {"ok": True}),
    ],
)  # fmt: skip
def test_each_sender_hears_what_its_sdk_expects(
    method: str, address: str, sending: dict[str, Any], status: int, answer: Any
) -> None:
    collector = Collector(write_keys=KEY)
    heard = collector.client.request(method, address, **sending)
    assert heard.status_code == status, heard.text
    if isinstance(answer, dict):
        assert answer.items() <= heard.json().items()
    elif isinstance(answer, bytes):
        assert heard.content.startswith(answer)
        assert heard.headers["content-type"] == "image/gif"
    else:
        assert heard.text == answer
    events = [json.loads(value) for value in collector.delivery.values]
    assert events[-1]["type"] == ("identify" if address == "/engage" else "track")
    assert all(KEY not in value.decode() for value in collector.delivery.values)
    assert all(event.get("userId") or event.get("anonymousId") for event in events)
    assert all(event.get("timestamp") or event.get("originalTimestamp") for event in events)


@pytest.mark.parametrize(
    ("method", "address", "sending"),
    [
        ("POST", "/2/httpapi", {"json": AMPLITUDE}),
        ("POST", "/track", form(data=in_base64(MIXPANEL))),
        ("POST", "/mp/collect", {"json": {"client_id": "1.2", "events": [{"name": "sign_up"}]}}),
        ("GET", f"/g/collect?{GTAG}&en=sign_up", {}),
        ("GET", f"/matomo.php?{HIT}", {}),
        ("POST", "/api/s/track", {"json": JITSU}),
    ],
)
def test_a_foreign_key_is_refused_in_a_body_that_says_its_code(
    method: str, address: str, sending: dict[str, Any]
) -> None:
    collector = Collector(write_keys="some-other-key")
    heard = collector.client.request(method, address, **sending)
    assert (heard.status_code, heard.json()["code"]) == (401, 401)
    assert collector.delivery.calls == 0


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/2/httpapi", b'{"api_key": "k"}'),
        ("/2/httpapi", b'{"api_key": "k", "events": [1]}'),
        ("/track", b"data=%%%"),
        ("/track", b"no=data"),
        ("/import", b"[1]"),
        ("/mp/collect", b'{"client_id": "1.2"}'),
        ("/g/collect", b"en=page_view"),
        ("/matomo.php", b"e_c=x"),
        ("/matomo.php", b'{"requests": [1]}'),
        ("/api/s/batch", b"{}"),
    ],
)
def test_what_is_not_as_its_sender_writes_it_is_refused_whole(address: str, body: bytes) -> None:
    collector = Collector()
    heard = collector.client.post(address, content=body)
    assert (heard.status_code, heard.json()["reason"]) == (400, "bad_form")
    assert collector.delivery.calls == 0


def test_an_address_of_two_senders_is_read_as_the_body_says() -> None:
    collector = Collector()
    captured = {"event": "Signed Up", "distinct_id": "u-1", "uuid": "x", "timestamp": "2026-03-02T08:00:00Z"}
    posthog = collector.client.post("/batch", json={"api_key": "k", "batch": [captured]})
    amplitude = collector.client.post("/batch", json={**AMPLITUDE, "api_key": "k"})
    assert posthog.json() == {"status": 1}
    assert amplitude.json()["code"] == 200
    events = [json.loads(value) for value in collector.delivery.values]
    assert [(event["event"], event["userId"]) for event in events] == [("Signed Up", "u-1")] * 2
