"""Route by route and scope by scope: who may ask what, and that nothing about a user leaks."""

from pathlib import Path
from typing import Any

import pytest
from support.served_folder import ALL_KEYS, KEYS, Asker, serving

from stream_app.settings.api_keys import parse_api_keys
from stream_app.settings.environment import Settings

REQUEST_ID = "0" * 32
# Every route with the scopes that may ask it. A route that is not here fails the first test.
READERS, COUNTERS = {"read", "act"}, {"aggregate", "read", "act"}
PAGES = {"recommend", "read", "act"}
ROUTES: dict[tuple[str, str], tuple[set[str], Any]] = {
    ("GET", "/v1/users"): (READERS, None),
    ("GET", "/v1/users/{user_id}"): (READERS, None),
    ("GET", "/v1/users/{user_id}/recommendations"): (READERS, None),
    ("GET", "/v1/users/{user_id}/timeline"): (READERS, None),
    ("POST", "/v1/recommendations"): (PAGES, {"items": ["{item_id}"], "anonymous_id": "{user_id}"}),
    ("POST", "/v1/impressions"): (PAGES, {"request_id": REQUEST_ID}),
    ("GET", "/v1/items"): (COUNTERS, None),
    ("GET", "/v1/items/{item_id}"): (COUNTERS, None),
    ("GET", "/v1/items/{item_id}/next"): (COUNTERS, None),
    ("GET", "/v1/drivers"): (COUNTERS, None),
    ("GET", "/v1/segments"): (COUNTERS, None),
    ("GET", "/v1/clusters"): (COUNTERS, None),
    ("GET", "/v1/models"): (COUNTERS, None),
    ("GET", "/v1/history"): (COUNTERS, None),
    ("GET", "/v1/status"): (COUNTERS, None),
    ("POST", "/v1/what-if"): (READERS, {"user": "{user_id}"}),
    ("GET", "/v1/stream"): (READERS, None),
    ("POST", "/v1/erasures"): ({"act"}, {"user_id": "nobody-of-the-folder"}),
    ("GET", "/v1/erasures/{request_id}"): ({"act"}, None),
    ("POST", "/v1/exports"): ({"act"}, {"user_id": "{user_id}"}),
}
ENDLESS = {"/v1/stream"}
NOT_ASKED_HERE = ENDLESS | {"/v1/erasures"}  # would not end, or would change the folder of all tests


def fill(value: Any, user: str, item: str) -> Any:
    if isinstance(value, str):
        return value.replace("{user_id}", user).replace("{item_id}", item).replace("{request_id}", REQUEST_ID)
    if isinstance(value, dict):
        return {key: fill(inner, user, item) for key, inner in value.items()}
    return [fill(inner, user, item) for inner in value] if isinstance(value, list) else value


def test_every_route_is_in_the_table(keyed: Asker) -> None:
    declared = {
        (method.upper(), path) for path, methods in keyed.app.openapi()["paths"].items() for method in methods
    }
    assert declared == ROUTES.keys()


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@pytest.mark.parametrize("scope", [None, "wrong", *KEYS])
def test_a_route_answers_only_the_scopes_that_may(
    scope: str | None, route: tuple[str, str], keyed: Asker, user: str, item: str
) -> None:
    method, path = route
    may, body = ROUTES[route]
    if scope in may and path in NOT_ASKED_HERE:
        return
    key = "no-such-secret-at-all" if scope == "wrong" else KEYS.get(str(scope))
    answer = keyed.ask(method, fill(path, user, item), key, json=fill(body, user, item) if body else None)
    if scope in may:
        assert answer.status_code not in {401, 403}, answer.text
    else:
        assert answer.status_code == (403 if scope in KEYS else 401)
        assert answer.headers["content-type"] == "application/problem+json"
    if scope not in READERS:
        assert user not in answer.text
        assert "clickstream" not in answer.text


@pytest.mark.parametrize("scope", ["recommend", "aggregate"])
def test_no_user_of_the_folder_is_named_to_keys_for_the_many(scope: str, keyed: Asker, item: str) -> None:
    names = {line["user_key"] for line in keyed.get("/v1/users?limit=500", KEYS["read"]).json()["users"]}
    assert len(names) > 20
    for (method, path), (may, template) in ROUTES.items():
        if scope in may:
            body = fill(template, min(names), item) if template else None
            answer = keyed.ask(method, fill(path, min(names), item), KEYS[scope], json=body)
            assert not {name for name in names if f'"{name}"' in answer.text}, path


def test_the_past_of_a_named_user_changes_no_public_list(keyed: Asker, user: str) -> None:
    asked = {"items": [], "count": 10}
    for_anybody = keyed.post("/v1/recommendations", asked, KEYS["recommend"]).json()
    for_user = keyed.post("/v1/recommendations", asked | {"anonymous_id": user}, KEYS["recommend"]).json()
    assert for_user["items"] == for_anybody["items"]


@pytest.mark.parametrize("path", ["/v1/status", "/v1/users", "/v1/stream", "/v1/nothing", "/health"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "0.0.0.0"])
def test_a_host_that_is_not_ours_is_refused(host: str, path: str, api: Asker) -> None:
    answer = api.get(path, headers={"Host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "host", ["localhost:8091", "127.0.0.1", "127.8.9.1:80", "[::1]:8091", "api.shop.example"]
)
def test_a_host_of_ours_is_answered(host: str, folder: Path) -> None:
    with serving(folder, api_hosts="api.shop.example") as asker:
        assert asker.get("/v1/nothing", headers={"Host": host}).status_code == 404


@pytest.mark.parametrize("place", ["203.0.113.9", "10.0.0.1", "2001:db8::1"])
def test_without_keys_only_this_machine_is_answered(place: str, folder: Path) -> None:
    with serving(folder, client=(place, 50_000)) as asker:
        for method, path in ROUTES:
            assert asker.ask(method, fill(path, "u", "i"), json={}).status_code == 401
        assert asker.get("/v1/status").status_code == 401
        assert "STREAM_APP_API_KEYS" in asker.get("/v1/status").json()["detail"]


def test_a_forwarded_request_is_not_of_this_machine(api: Asker) -> None:
    assert api.get("/v1/status", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_a_page_of_another_site_may_not_act_on_this_machine(api: Asker, user: str) -> None:
    headers = {"Origin": "https://evil.example"}
    assert api.post("/v1/exports", {"user_id": user}, headers=headers).status_code == 403
    assert api.post("/v1/exports", {"user_id": user}).status_code == 200


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_other_sites_may_read_recommendations_alone(route: tuple[str, str], folder: Path) -> None:
    method, path = route
    origin = {"Origin": "https://shop.example", "Access-Control-Request-Method": method}
    with serving(folder, api_keys=ALL_KEYS, cors_origins="https://shop.example") as asker:
        leave = asker.ask("OPTIONS", fill(path, "u", "i"), headers=origin)
    is_public = path in {"/v1/recommendations", "/v1/impressions"}
    assert ("access-control-allow-origin" in leave.headers) == is_public


def test_who_asks_too_often_waits(folder: Path) -> None:
    with serving(folder, api_rate=1, api_burst=3) as asker:
        answers = [asker.get("/v1/status") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_keys_cannot_be_guessed_without_being_counted(folder: Path) -> None:
    with serving(folder, api_rate=1, api_burst=3, api_keys=ALL_KEYS) as asker:
        answers = [asker.get("/v1/status", f"guess-number-{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


@pytest.mark.parametrize("size", [65_537, 1_000_000])
@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_body_that_is_too_large_is_refused(size: int, is_streamed: bool, api: Asker) -> None:
    body = b'{"items": ["' + b"a" * size + b'"]}'

    async def parts() -> Any:
        yield body

    answer = api.ask("POST", "/v1/recommendations", content=parts() if is_streamed else body)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "text",
    [
        "name", "name:secret", "name:short:read", "name:0123456789abcdef:write", ":0123456789abcdef:read",
        "na me:0123456789abcdef:read", "a:0123456789abcdef:read,a:fedcba9876543210:read",
        "a:0123456789abcdef:read,b:0123456789abcdef:act",
    ],
)  # fmt: skip
def test_a_key_that_is_not_written_as_it_should_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|secret") as refusal:
        parse_api_keys(text)
    assert "0123456789abcdef" not in str(refusal.value)
    with pytest.raises(ValueError, match="api_keys"):
        Settings(api_keys=text)


def test_a_secret_may_hold_colons() -> None:
    [key] = parse_api_keys("shop:a:secret:with:colons:recommend")
    assert key.secret == "a:secret:with:colons"
