import asyncio
import base64
import gzip
from typing import Any

import orjson
import pytest
from support.collector_client import HERE, Collector

from stream_app.errors import BrokerError, StateError
from stream_app.intake.decoding import Failure, decode
from stream_app.intake.privacy import Privacy
from stream_app.intake.trust import is_trusted, mark
from stream_app.serving.collector.write_keys import name_of_key
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules

KEY, OTHER_KEY = "key-of-the-shop", "key-of-the-app"
CALLS = ("track", "page", "screen", "identify", "group", "alias")
CALL_PATHS = [
    *((f"/v1/{call}", call) for call in CALLS),
    *zip(("/v1/t", "/v1/p", "/v1/s", "/v1/i", "/v1/g", "/v1/a"), CALLS, strict=True),
]
RECEIVED_AT = "2026-01-01T00:00:00.250Z"


def event(**fields: Any) -> dict[str, Any]:
    return {"anonymousId": "a", "event": "Clicked", "messageId": "m", "timestamp": RECEIVED_AT} | fields


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


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


def test_pages_of_listed_sites_may_send_and_no_others() -> None:
    collector = Collector(cors_origins="https://shop.example,https://Blog.example")
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for origin, is_allowed in [
        ("https://shop.example", True),
        ("https://blog.example", True),
        (HERE, True),
        ("https://evil.example", False),
        ("http://shop.example", False),
        ("null", False),
    ]:
        answer = collector.client.post("/v1/t", json=event(), headers={"origin": origin})
        assert answer.status_code == (200 if is_allowed else 403), origin
        preflight = collector.client.request("OPTIONS", "/v1/t", headers={"origin": origin, **asks})
        is_listed = is_allowed and origin != HERE
        assert (preflight.headers.get("access-control-allow-origin") == origin) == is_listed
    assert len(collector.delivery.values) == 3
    assert collector.refused("origin") == 3 + 4  # and four preflights


ANY_SITE = {"origin": "https://any.example"}
FOR_PAGES = [
    "/v1/t",
    "/batch/",
    "/e/",
    "/i",
    "/com.snowplowanalytics.snowplow/tp2",
    "/sourceConfig/",
    "/flags/",
]
NOT_FOR_PAGES = ["/health", "/ready", "/demo", "/demo.js", "/", "/nothing"]


@pytest.mark.parametrize("path", FOR_PAGES)
@pytest.mark.parametrize(
    "asked", [None, "sentat,anonymousid,authorization", "rsa-bot-id, x-anything", "SP-Anonymous"]
)
def test_a_page_that_may_send_is_granted_what_it_asks_for(path: str, asked: str | None) -> None:
    collector = Collector(cors_origins="*")
    method = "GET" if path in {"/i", "/sourceConfig/"} else "POST"
    headers = ANY_SITE | {"access-control-request-method": method}
    if asked:
        headers["access-control-request-headers"] = asked
    answer = collector.client.request("OPTIONS", path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers.get("access-control-allow-headers") == asked
    # `*` is no answer to a request with credentials, as Snowplow's tracker sends them.
    assert answer.headers["access-control-allow-origin"] == ANY_SITE["origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize("path", NOT_FOR_PAGES)
def test_no_page_elsewhere_reads_what_does_not_take_events(path: str) -> None:
    collector = Collector(cors_origins="*")
    answer = collector.client.get(path, headers=ANY_SITE)
    asked = collector.client.request(
        "OPTIONS", path, headers=ANY_SITE | {"access-control-request-method": "GET"}
    )
    for headers in (answer.headers, asked.headers):
        assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize("asked", ["a\nb: c", "x" * 3000, "sentat;q=1"])
def test_what_is_no_list_of_headers_is_not_repeated(asked: str) -> None:
    collector = Collector(cors_origins="*")
    headers = ANY_SITE | {"access-control-request-method": "POST", "access-control-request-headers": asked}
    if "\n" in asked:
        headers["access-control-request-headers"] = asked.replace("\n", "\x0b")
    answer = collector.client.request("OPTIONS", "/v1/t", headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "origin")


def test_a_page_without_a_site_gets_no_credentials() -> None:
    answer = Collector(cors_origins="*").client.post("/v1/t", json=event(), headers={"origin": "null"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_may_read_why_it_is_refused() -> None:
    collector = Collector(cors_origins="*", write_keys=KEY)
    answer = collector.client.post("/v1/t", json=event(), headers=ANY_SITE)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, ANY_SITE["origin"])


@pytest.mark.parametrize(
    "path", ["/v1/batch", "/v1/batch/", "/v1/v1/batch", "/v1/v1/batch/", "/v1//batch", "/b", "/b/"]
)
def test_a_host_may_end_as_it_likes(path: str) -> None:
    collector = Collector()
    answer = collector.client.post(path, json={"batch": [event(type="track"), event(type="page")]})
    assert answer.status_code == 200
    assert [kept["type"] for kept in collector.delivery.events] == ["track", "page"]


@pytest.mark.parametrize("path", ["/v1/t/", "/health/", "/demo/", "/batch/x/"])
def test_a_slash_at_the_end_is_never_redirected(path: str) -> None:
    collector = Collector()
    answer = collector.client.request("GET", path, headers={"host": "elsewhere.example"})
    assert "location" not in answer.headers
    assert answer.status_code in {200, 404, 405}


@pytest.mark.parametrize("path", ["/t", "/p", "/i", "/g", "/a", "/s", "/i/"])
def test_calls_come_without_v1_too(path: str) -> None:
    collector = Collector()
    assert collector.client.post(path, json=event(userId="u")).status_code == 200
    assert len(collector.delivery.events) == 1


def test_snowplow_trackers_may_post_to_a_path_of_their_own() -> None:
    collector = Collector(snowplow_post_path="/com.acme/track")
    body = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [SNOWPLOW]}
    for path in ("/com.acme/track", "/com.acme/track/", "/com.snowplowanalytics.snowplow/tp2"):
        assert collector.client.post(path, json=body).status_code == 200


@pytest.mark.parametrize("is_posted", [True, False])
def test_an_anonymous_sender_leaves_no_address(is_posted: bool) -> None:
    collector = Collector()
    sent = {**SNOWPLOW, "nuid": "network-1", "ip": "203.0.113.7"}
    headers = {"SP-Anonymous": "*"}
    if is_posted:
        body = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [sent]}
        collector.client.post("/com.snowplowanalytics.snowplow/tp2", json=body, headers=headers)
    else:
        collector.client.get("/i", params=sent, headers=headers)
    (value,) = collector.delivery.values
    assert b"127.0.0.1" not in value
    assert b"203.0.113" not in value
    assert b"network-1" not in value


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (f"/v1/projects/{KEY}/settings", ("integrations", "Segment.io", "apiHost", "127.0.0.1:8090/v1")),
        (
            "/sourceConfig?writeKey=" + KEY,
            ("source", "config", "statsCollection", "errors", "enabled", False),
        ),
        (f"/array/{KEY}/config", ("analytics", "endpoint", "/i/v0/e/")),
    ],
)
def test_trackers_find_how_to_start(path: str, found: tuple[Any, ...]) -> None:
    collector = Collector(write_keys=KEY, cors_origins="https://shop.example")
    told = collector.client.get(path, headers={"origin": "https://shop.example"}).json()
    for name in found[:-1]:
        told = told[name]
    assert told == found[-1]
    assert collector.client.get(path.replace(KEY, "another-key")).status_code == 401
    assert collector.client.get(path, headers={"origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ({}, "http"),
        ({"origin": "http://shop.example"}, "http"),
        ({"origin": "https://shop.example"}, "https"),
        ({"x-forwarded-proto": "https"}, "https"),
    ],
)
def test_segments_tracker_sends_as_its_page_was_loaded(headers: dict[str, str], scheme: str) -> None:
    collector = Collector(cors_origins="*", write_keys=KEY)
    told = collector.client.get(f"/v1/projects/{KEY}/settings", headers=headers)
    assert told.json()["integrations"]["Segment.io"]["protocol"] == scheme
    assert told.headers["cache-control"] == "no-store"


def test_posthogs_script_names_no_key_that_is_not_ours() -> None:
    collector = Collector(write_keys=KEY)
    script = collector.client.get(f"/array/{KEY}/config.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert f'["{KEY}"]' in script.text
    assert collector.client.get("/array/%22];alert(1);[%22/config.js").status_code == 401


@pytest.mark.parametrize("path", ["/flags/?v=2", "/decide/?v=3"])
def test_posthogs_trackers_have_no_flags(path: str) -> None:
    collector = Collector(write_keys=KEY)
    body = base64.b64encode(orjson.dumps({"token": KEY, "distinct_id": "u"}))
    answer = collector.client.post(path, content=b"data=" + body)
    assert (answer.status_code, answer.json()["featureFlags"]) == (200, {})
    assert collector.client.post(path, json={"token": "another"}).status_code == 401


@pytest.mark.parametrize("compression", ["base64", "gzip-js", ""])
def test_posthogs_last_words_come_as_a_form(compression: str) -> None:
    collector = Collector(write_keys=KEY)
    data = base64.b64encode(orjson.dumps({"api_key": KEY, "batch": [CAPTURE, CAPTURE]})).decode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = collector.client.post("/e/?compression=" + compression, data={"data": data}, headers=headers)
    assert (answer.status_code, len(collector.delivery.values)) == (200, 2)
    by_query = collector.client.get("/e/", params={"data": data, "compression": compression})
    assert (by_query.status_code, len(collector.delivery.values)) == (200, 4)


SNOWPLOW = {
    "e": "pv", "url": "https://shop.example/", "eid": "c6ef3124-b53a-4b13-a233-0088f79dcbcb", "aid": KEY,
    "p": "web", "tv": "js-3", "duid": "d", "dtm": "1767225600000", "stm": "1767225600100",
}  # fmt: skip


def test_snowplow_trackers_show_their_app_id_as_the_key() -> None:
    collector = Collector(write_keys=KEY)
    body = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [SNOWPLOW]}
    path = "/com.snowplowanalytics.snowplow/tp2"
    assert collector.client.post(path, json=body).status_code == 200
    pixel = collector.client.get("/i", params=SNOWPLOW)
    assert (pixel.status_code, pixel.headers["content-type"]) == (200, "image/gif")
    assert pixel.content.startswith(b"GIF89a")
    by_post, by_get = collector.delivery.events
    assert by_post["type"] == "page"
    assert by_post["context"]["ip"] == "127.0.0.1"
    assert by_post == by_get
    body["data"] = [SNOWPLOW | {"aid": "another"}]
    assert collector.client.post(path, json=body).status_code == 401
    assert collector.client.get("/i", params=SNOWPLOW | {"aid": "another"}).status_code == 401


CAPTURE = {"event": "$pageview", "distinct_id": "u", "timestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        ("/capture/", {"api_key": KEY, **CAPTURE}, 1),
        ("/batch/", {"api_key": KEY, "batch": [CAPTURE, CAPTURE]}, 2),
        ("/e/", {**CAPTURE, "properties": {"token": KEY}}, 1),
        ("/i/v0/e/", [{**CAPTURE, "properties": {"token": KEY}}] * 3, 3),
    ],
)
def test_posthog_trackers_show_their_project_key(path: str, body: Any, count: int) -> None:
    collector = Collector(write_keys=KEY)
    packed = gzip.compress(orjson.dumps(body))
    as_its_script_does = {"params": {"compression": "gzip-js"}, "headers": {"content-type": "text/plain"}}
    assert collector.client.post(path, content=packed, **as_its_script_does).json() == {"status": 1}
    assert [kept["type"] for kept in collector.delivery.events] == ["page"] * count
    assert KEY not in b"".join(collector.delivery.values).decode()
    other = orjson.dumps(body).replace(KEY.encode(), b"another")
    assert collector.client.post(path, content=other).status_code == 401


def test_health_and_readiness() -> None:
    collector = Collector()
    assert collector.client.get("/health").status_code == 200
    assert collector.client.get("/ready").status_code == 200
    collector.delivery.error = BrokerError("lost")
    assert collector.client.get("/health").status_code == 200
    assert collector.client.get("/ready").status_code == 503


def test_paths_that_are_not_ours_share_one_label() -> None:
    collector = Collector()
    for path in ("/x", "/y/c"):
        collector.client.get(path)
    assert collector.counted("stream_app_collector_requests_total", route="other", status="404") == 2


def test_the_demo_page_runs_no_foreign_code() -> None:
    client = Collector().client
    assert client.get("/").headers["location"] == "/demo"
    page, script = client.get("/demo"), client.get("/demo.js")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert page.headers["content-type"].startswith("text/html")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "http" not in page.text


SERVER_KEY = "key-of-the-server"
LABEL = {"type": "label", "userId": "u", "properties": {"target": "engagement_tier", "value": 3}}


def scoped() -> Collector:
    return Collector(write_keys=KEY, server_keys=SERVER_KEY)


def test_what_a_page_key_brings_is_marked_and_a_servers_is_not() -> None:
    collector = scoped()
    for key in (KEY, SERVER_KEY):
        body = {"batch": [event(type="page"), event(type="alias", previousId="b")], "writeKey": key}
        assert collector.client.post("/v1/b", json=body).status_code == 200
    assert [is_trusted(value) for value in collector.delivery.values] == [False, False, True, True]


@pytest.mark.parametrize("claimed", [None, "server", "page", 5, {}])
@pytest.mark.parametrize("nested", [False, True])
def test_nobody_sets_the_mark_but_the_collector(claimed: Any, nested: bool) -> None:
    collector = scoped()
    told = event(type="alias", previousId="b", writeKeyScope=claimed)
    for key in (KEY, SERVER_KEY):
        body = {"batch": [[told] if nested else told], "writeKey": key}
        assert collector.client.post("/v1/b", json=body).status_code == 200
    page, server = collector.delivery.values
    assert (is_trusted(page), is_trusted(server)) == (False, True)
    assert b"writeKeyScope" not in server


def test_events_in_another_trackers_form_keep_the_mark() -> None:
    collector = scoped()
    alias = {"event": "$create_alias", "distinct_id": "bob", "properties": {"alias": "ann"}}
    body = {"batch": [{**alias, "timestamp": RECEIVED_AT}, [{**alias, "timestamp": RECEIVED_AT}]]}
    assert collector.client.post("/v1/b", json={**body, "writeKey": KEY}).status_code == 200
    for value in collector.delivery.values:
        decoded = decode(value, 1.8e9, Privacy(), Rules())
        assert decoded.event.type == "alias"
        assert not decoded.is_trusted


@pytest.mark.parametrize("batch", [[LABEL], [event(type="page"), LABEL]])
def test_labels_need_a_server_key(batch: list[dict[str, Any]]) -> None:
    collector = scoped()
    answer = collector.client.post("/v1/b", json={"batch": batch, "writeKey": KEY})
    assert (answer.status_code, answer.json()["reason"]) == (403, "scope")
    assert "STREAM_APP_SERVER_KEYS" in answer.json()["message"]
    assert (collector.delivery.calls, collector.refused("scope")) == (0, 1)
    assert collector.client.post("/v1/b", json={"batch": batch, "writeKey": SERVER_KEY}).status_code == 200


def test_a_label_that_slips_past_the_collector_fails_in_the_core() -> None:
    value = orjson.dumps(mark({**LABEL, "timestamp": RECEIVED_AT}, False))
    found = decode(value, 1.8e9, Privacy(), Rules())
    assert isinstance(found, Failure)
    assert found.reason == "untrusted"


def test_a_client_of_this_machine_is_trusted_where_there_are_no_keys() -> None:
    collector = Collector()
    assert collector.client.post("/v1/b", json={"batch": [LABEL]}).status_code == 200
    assert is_trusted(collector.delivery.values[0])


def test_keys_are_rotated_by_having_two_for_a_while_and_it_is_seen_which_are_used() -> None:
    collector = Collector(write_keys=f"{OTHER_KEY},{KEY}", server_keys=SERVER_KEY)
    for key in (KEY, KEY, SERVER_KEY):
        assert collector.client.post("/v1/t", json=event(writeKey=key)).status_code == 200
    used = {
        key: collector.counted("stream_app_collector_key_requests_total", scope=scope, key=name_of_key(key))
        for key, scope in ((OTHER_KEY, "page"), (KEY, "page"), (SERVER_KEY, "server"))
    }
    assert used == {OTHER_KEY: 0, KEY: 2, SERVER_KEY: 1}


def test_a_key_of_pages_is_no_servers_key() -> None:
    with pytest.raises(ValueError, match="what stands in pages is no secret"):
        Settings(write_keys=f"{KEY},{OTHER_KEY}", server_keys=KEY)
