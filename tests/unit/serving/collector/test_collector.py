import asyncio
from typing import Any

import orjson
import pytest
from support.collector_client import HERE, KEY, OTHER_KEY, RECEIVED_AT, Collector, basic, event

from stream_app.errors import BrokerError, StateError

CALLS = ("track", "page", "screen", "identify", "group", "alias")


CALL_PATHS = [
    *((f"/v1/{call}", call) for call in CALLS),
    *zip(("/v1/t", "/v1/p", "/v1/s", "/v1/i", "/v1/g", "/v1/a"), CALLS, strict=True),
]


@pytest.mark.parametrize(("path", "call"), CALL_PATHS)
def test_a_call_is_made_durable_with_the_type_of_its_path(path: str, call: str) -> None:
    collector = Collector()
    answer = collector.client.post(path, json=event(userId="u"))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    (kept,) = collector.delivery.events
    assert (kept["type"], kept["userId"], kept["messageId"]) == (call, "u", "m")
    assert kept["receivedAt"] == RECEIVED_AT
    assert collector.counted("stream_app_collector_requests_total", route=path, status="200") == 1
    assert collector.counted("stream_app_collector_events_total") == 1


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch"])
def test_a_batch_is_one_delivery_in_its_order(path: str) -> None:
    collector = Collector()
    batch = [event(type="track", messageId=f"m{number}") for number in range(20)]
    assert collector.client.post(path, json={"batch": batch}).status_code == 200
    assert [kept["messageId"] for kept in collector.delivery.events] == [f"m{n}" for n in range(20)]
    assert collector.delivery.calls == 1


def test_what_a_batch_says_for_all_goes_to_each_event() -> None:
    collector = Collector()
    body = {
        "batch": [
            event(type="page"),
            event(type="page", sentAt="2026-01-01T00:00:01Z", context={"ip": "192.0.2.9", "locale": None}),
            event(type="page", context="not an object"),
        ],
        "context": {"locale": "de", "ip": "192.0.2.1"},
        "sentAt": "2026-01-01T00:00:02Z",
    }
    assert collector.client.post("/v1/batch", json=body).status_code == 200
    first, second, third = collector.delivery.events
    assert first["context"] == {"locale": "de", "ip": "192.0.2.1", "userAgent": "Mozilla/5.0 (agent)"}
    assert (first["sentAt"], second["sentAt"]) == ("2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z")
    assert second["context"]["ip"] == "192.0.2.9"
    assert third["context"] == "not an object"


def test_bad_events_are_handed_on_beside_the_good_ones() -> None:
    collector = Collector()
    batch = [event(type="track"), 5, "text", None, ["list"], {}, {"type": "nonsense", "timestamp": "never"}]
    assert collector.client.post("/v1/batch", json={"batch": batch}).status_code == 200
    kept = collector.delivery.events
    assert kept[1:5] == batch[1:5]
    assert (kept[6]["type"], kept[6]["timestamp"]) == ("nonsense", "never")
    assert len(kept) == len(batch)


def test_an_empty_batch_has_nothing_to_make_durable() -> None:
    collector = Collector()
    assert collector.client.post("/v1/batch", json={"batch": []}).status_code == 200
    assert collector.delivery.calls == 0


@pytest.mark.parametrize("media_type", ["text/plain", "text/plain;charset=UTF-8", "application/json", None])
def test_bodies_of_beacons_are_json_all_the_same(media_type: str | None) -> None:
    collector = Collector()
    headers = {"content-type": media_type} if media_type else {}
    answer = collector.client.post("/v1/t", content=orjson.dumps(event()), headers=headers)
    assert answer.status_code == 200
    assert len(collector.delivery.values) == 1


async def _send_while_pending(collector: Collector) -> tuple[bool, int]:
    collector.delivery.pending = asyncio.Event()
    async with collector.client.open() as client:
        request = asyncio.create_task(client.post("/v1/t", json=event()))
        while not collector.delivery.calls:
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        was_answered = request.done()
        collector.delivery.pending.set()
        return was_answered, (await request).status_code


def test_the_answer_comes_only_once_the_event_is_durable() -> None:
    assert asyncio.run(_send_while_pending(Collector())) == (False, 200)


@pytest.mark.parametrize("error", [BrokerError("the broker at kafka:9092 is lost"), StateError("disk full")])
def test_what_is_not_durable_is_refused_and_may_be_sent_again(error: Exception) -> None:
    collector = Collector()
    collector.delivery.error = error
    answer = collector.client.post("/v1/t", json=event())
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["reason"] == "not_durable"
    assert str(error) not in answer.text
    assert collector.refused("not_durable") == 1
    assert collector.counted("stream_app_collector_events_total") == 0
    collector.delivery.error = None
    assert collector.client.post("/v1/t", json=event()).status_code == 200


DEEP = b'{"a":' + b"[" * 400 + b"]" * 400 + b"}"


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/v1/t", b"", 400, "bad_json"),
        ("/v1/t", b'{"event":', 400, "bad_json"),
        ("/v1/t", b"\xff\xfe", 400, "bad_json"),
        ("/v1/t", b'{"a": Nan}', 400, "bad_json"),
        ("/v1/t", b"[]", 400, "bad_form"),
        ("/v1/batch", b"{}", 400, "bad_form"),
        ("/v1/batch", b'{"batch": {}}', 400, "bad_form"),
        ("/v1/t", DEEP, 400, "too_deep"),
        ("/v1/t", b"[" * 5000, 400, "bad_json"),
        ("/v1/t", b'"' + b"a" * 2000 + b'"', 413, "too_large"),
        ("/com.snowplowanalytics.snowplow/tp2", b'{"data": 5}', 400, "bad_form"),
        (
            "/com.snowplowanalytics.snowplow/tp2",
            b'{"schema":"s","data":[{"aid":"a"},{"aid":"b"}]}',
            400,
            "bad_form",
        ),
        ("/com.snowplowanalytics.snowplow/tp2", b'{"schema":"s","data":[5]}', 400, "bad_form"),
        ("/batch", b'{"batch": 5}', 400, "bad_form"),
        ("/e/", b"[5]", 400, "bad_form"),
        ("/e/", b'[{"api_key":"a"},{"api_key":"b"}]', 400, "bad_form"),
        ("/v1/nothing", b"{}", 404, "not_found"),
        ("/health", b"{}", 405, "not_found"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(path: str, body: bytes, status: int, reason: str) -> None:
    collector = Collector(collector_body_bytes=1024 if status == 413 else 500_000)
    answer = collector.client.post(path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.json()["message"]
    assert collector.delivery.calls == 0
    assert collector.refused(reason) == 1


def test_an_event_that_no_broker_would_take_is_refused() -> None:
    collector = Collector(collector_body_bytes=2_000_000)
    numbers = ",".join(["1e9"] * 100_000)  # grows when it is written out again
    answer = collector.client.post("/v1/t", content=f'{{"a": [{numbers}]}}')
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
@pytest.mark.parametrize("place", ["basic", "body", "query", "batch"])
def test_a_write_key_is_taken_from_where_trackers_put_it(place: str, key: str) -> None:
    collector = Collector(write_keys=f"{KEY}, {OTHER_KEY}")
    client = collector.from_address("198.51.100.7", "http://collect.example")
    answer = {
        "basic": lambda: client.post("/v1/t", json=event(), headers=basic(key)),
        "body": lambda: client.post("/v1/t", json=event(writeKey=key)),
        "query": lambda: client.post("/v1/t", json=event(), params={"writeKey": key}),
        "batch": lambda: client.post("/v1/b", json={"batch": [event(writeKey=key)], "writeKey": key}),
    }[place]()
    assert answer.status_code == 200, answer.text
    assert key not in collector.delivery.values[0].decode()


@pytest.mark.parametrize(
    "request_fields",
    [
        {"json": event()},
        {"json": event(writeKey="another-key")},
        {"json": event(writeKey=5)},
        {"json": event(writeKey="\u00e9")},
        {"json": event(writeKey=KEY), "headers": basic("another-key")},
        {"json": event(), "headers": {"authorization": "Basic !"}},
        {"json": event(), "headers": {"authorization": "Bearer " + KEY}},
        {"json": event(), "params": {"writeKey": KEY[:-1]}},
        {"json": event(), "params": {"writeKey": KEY + "," + OTHER_KEY}},
    ],
)
def test_without_one_of_the_keys_nothing_is_taken(request_fields: dict[str, Any]) -> None:
    collector = Collector(write_keys=f"{KEY},{OTHER_KEY}")
    answer = collector.client.post("/v1/t", **request_fields)
    assert (answer.status_code, answer.json()["reason"]) == (401, "write_key")
    assert KEY not in answer.text
    # `Basic` here would have a browser ask the site's visitor for a password.
    assert answer.headers["www-authenticate"] == "WriteKey"
    assert collector.delivery.calls == 0


@pytest.mark.parametrize(
    ("address", "host", "headers"),
    [
        ("198.51.100.7", HERE, {}),
        ("127.0.0.1", "http://elsewhere.example", {}),
        ("127.0.0.1", HERE, {"x-forwarded-for": "198.51.100.7"}),
        ("127.0.0.1", HERE, {"forwarded": "for=198.51.100.7"}),
    ],
)
def test_without_keys_only_this_machine_is_taken(address: str, host: str, headers: dict[str, str]) -> None:
    collector = Collector()
    answer = collector.from_address(address, host).post("/v1/t", json=event(), headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (401, "write_key")
    assert "STREAM_APP_WRITE_KEYS" in answer.json()["message"]
    for own in ("http://localhost:8090", "http://[::1]:8090", HERE):
        assert collector.from_address("::1", own).post("/v1/t", json=event()).status_code == 200


def test_events_are_scrubbed_with_all_that_was_added_before_they_are_durable() -> None:
    seen: list[dict[str, Any]] = []

    def scrub(found: dict[str, Any]) -> dict[str, Any]:
        seen.append(found)
        if "" in found:
            return {"": "removed"}
        return {"userId": "hashed", "ip": found["context"]["ip"][:3]}

    collector = Collector(scrub)
    batch = [event(), event(), "someone@example.com"]
    assert collector.client.post("/v1/batch", json={"batch": batch}).status_code == 200
    assert collector.delivery.events == [*[{"userId": "hashed", "ip": "127"}] * 2, "removed"]
    assert seen[0]["receivedAt"] == RECEIVED_AT


def test_an_event_that_cannot_be_scrubbed_is_not_kept() -> None:
    def scrub(_: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("broken")

    collector = Collector(scrub)
    assert collector.client.post("/v1/t", json=event()).status_code == 500
    assert collector.delivery.calls == 0
    assert collector.counted("stream_app_collector_requests_total", route="/v1/t", status="500") == 1


def test_a_client_that_sends_too_much_is_told_when_to_go_on() -> None:
    collector = Collector(collector_rate=2, collector_burst=4)
    batch = {"batch": [event()] * 3}
    other = collector.from_address("::1", "http://[::1]:8090")
    assert collector.client.post("/v1/batch", json=batch).status_code == 200
    refusal = collector.client.post("/v1/batch", json=batch)
    assert (refusal.status_code, refusal.headers["retry-after"]) == (429, "1")
    assert other.post("/v1/batch", json=batch).status_code == 200
    collector.now += 1
    assert collector.client.post("/v1/batch", json=batch).status_code == 200
    assert len(collector.delivery.values) == 9
