import base64
import gzip
from typing import Any

import orjson
import pytest
from support.collector_client import KEY, Collector, event


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
