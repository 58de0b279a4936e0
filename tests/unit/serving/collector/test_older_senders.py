"""Older SDKs, SDKs of apps and pixels, by their documented protocols: taken, and understood event by event.

`tests/golden/requests` has a request a file, written for this test from the public documentation of its
sender: `events` are the names, users and anonymous ids that must come of it, `has` is in the first of them.
"""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from support.collector_client import NOW, Collector

from stream_app.intake.decoding import TimedEvent, decode
from stream_app.runtimes.common.intake import plain_intake
from stream_app.settings.rules import Rules
from stream_app.testing.driver import Driver

KEY = "key-of-the-shop"
REQUESTS = sorted((Path(__file__).parents[3] / "golden" / "requests").glob("*.json"))
MIXPANEL = {
    "event": "Signed Up",
    "properties": {"token": KEY, "distinct_id": "u-1", "time": NOW, "mp_lib": "x"},
}


def sent_again(collector: Collector, request: dict[str, Any]) -> httpx.Response:
    """Send a request as it was written down."""
    body = base64.b64decode(request.get("body_base64", "")) or request.get("body_text", "").encode()
    return collector.client.request(
        request["method"], request["path"], headers=request.get("headers", {}), content=body
    )


def told(event: dict[str, Any], place: str) -> Any:
    value: Any = event
    for name in place.split("."):
        value = value[name]
    return value


def name_of(timed: TimedEvent) -> str:
    return str(getattr(timed.event, "event", timed.event.type))


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_it_is_taken_and_understood(path: Path) -> None:
    request = json.loads(path.read_text())
    collector = Collector(write_keys=KEY)
    heard = sent_again(collector, request)
    assert heard.is_success, heard.text
    # Snowplow's key is the app's own id, which is no secret.
    assert "snowplow" in path.stem or KEY not in b"".join(collector.delivery.values).decode()
    read = [decode(value, NOW, plain_intake().privacy, Rules()) for value in collector.delivery.values]
    understood = [timed for timed in read if isinstance(timed, TimedEvent)]
    assert len(understood) == len(read), read
    found = [[name_of(timed), timed.event.user_id or None, timed.event.anonymous_id] for timed in understood]
    assert found == request["events"]
    for timed in understood:
        assert not timed.dropped
        assert abs(timed.at - NOW) < 120
    for place, value in request.get("has", {}).items():
        assert told(collector.delivery.events[0], place) == value, place


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_foreign_key_is_refused(path: Path) -> None:
    collector = Collector(write_keys="some-other-key")
    heard = sent_again(collector, json.loads(path.read_text()))
    assert heard.status_code == 401
    assert collector.delivery.calls == 0


def test_a_request_that_is_sent_again_counts_once_where_its_sender_makes_no_ids() -> None:
    collector = Collector(write_keys=KEY)
    (path,) = (path for path in REQUESTS if path.stem == "jitsu_before_version_2")
    for _ in range(2):
        sent_again(collector, json.loads(path.read_text()))
    first, again = collector.delivery.events
    assert first["messageId"] == again["messageId"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("https://shop.example/p/sku-1?a=1#b", 302),
        ("https://SHOP.example/", 302),
        ("https://evil.example/", 403),
        ("http://shop.example/", 403),
        ("https://shop.example@evil.example/", 403),
        ("https://shop.example\\@evil.example/", 403),
        ("https://shop.example:8443/", 403),
        ("//shop.example/", 403),
        ("javascript:alert(1)", 403),
        ("https://shop.example/\r\nSet-Cookie: a=b", 403),
    ],
)
def test_a_link_leads_on_to_named_sites_alone(target: str, status: int) -> None:
    collector = Collector(write_keys=KEY, cors_origins="https://shop.example")
    heard = collector.client.get(f"/r/tp2?u={quote(target)}&aid={KEY}&p=web&uid=u-1")
    assert heard.status_code == status
    if status == 302:
        assert heard.headers["location"] == target
        (event,) = collector.delivery.events
        assert (event["event"], event["userId"], event["properties"]["url"]) == (
            "Link Clicked",
            "u-1",
            target,
        )
    else:
        assert "location" not in heard.headers
        assert collector.delivery.calls == 0


def test_a_link_leads_nowhere_where_any_site_may_send() -> None:
    collector = Collector(write_keys=KEY, cors_origins="*")
    assert collector.client.get(f"/r/tp2?u=https://shop.example/&aid={KEY}&uid=u-1").status_code == 403


def test_a_server_that_sends_without_the_address_of_its_user_is_not_the_user() -> None:
    collector = Collector(write_keys=KEY)
    collector.client.post("/track?ip=0", json=[MIXPANEL])
    collector.client.post("/track?ip=1", json=[MIXPANEL])
    assert [event["context"].get("ip") for event in collector.delivery.events] == [None, "127.0.0.1"]


def test_what_an_order_s_lines_tell_apart_from_it_is_bought() -> None:
    collector = Collector(write_keys=KEY)
    shared = {"aid": KEY, "p": "web", "uid": "u-1", "dtm": str(int(NOW * 1000))}
    order = {**shared, "e": "tr", "eid": "1", "tr_id": "o-1", "tr_tt": "20.5"}
    lines = [
        {**shared, "e": "ti", "eid": item, "ti_id": "o-1", "ti_sk": item, "ti_pr": "10.25", "ti_qu": "1"}
        for item in ("sku-1", "sku-2")
    ]
    for parameters in (order, *lines):
        collector.client.get("/i", params=parameters)
    driver = Driver(clock=NOW)
    driver.pipe(*collector.delivery.values)
    row = driver.rows["u-1"]
    assert row.bought_items == ["sku-1", "sku-2"]
    assert (row.orders.count, row.orders.mean, row.open_sessions[0].event_count) == (1, 20.5, 1)
