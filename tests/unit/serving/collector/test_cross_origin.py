import pytest
from support.collector_client import HERE, KEY, Collector, event


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
