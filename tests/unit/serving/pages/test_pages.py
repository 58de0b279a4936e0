"""The pages as a browser gets them: what they show, who sees them, and that nothing in them runs."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.served_folder import ALL_KEYS, KEYS, Asker, FixedClock, serving

from stream_app.folder.opening import open_replay
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.store import Store
from stream_app.serving.pages.rendering import MENU
from stream_app.serving.pages.sessions import COOKIE, LASTS_SECONDS
from stream_app.settings.environment import Settings
from stream_app.testing.events import page, track

PATHS = [path for path, _, _ in MENU]
ELSEWHERE = ("203.0.113.9", 50_000)
HOSTILE = "<script>alert(1)</script>\"'&"


class Tags(HTMLParser):
    """The tags of a page that load or run something, and those that are left open."""

    VOID = {"meta", "link", "input", "br", "rect", "line"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.inline = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        self.inline += sum(name.startswith("on") or name == "style" for name in known)
        self.inline += tag == "style" or (tag == "script" and "src" not in known)
        self.loaded += [str(known[name]) for name in ("src", "action") if name in known]
        if tag == "link":
            self.loaded.append(str(known["href"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def a_user(folder: Path) -> str:
    with Store(folder, read_only=True) as store:
        return min(key for _, key, row in store.rows() if row.is_identified and row.recent_items)


@pytest.mark.parametrize(
    "path", [*PATHS, "/people?prefix=nobody", "/content?item=nothing", "/groups?count=x"]
)
def test_a_page_is_whole_and_loads_nothing_from_elsewhere(path: str, pages: Asker) -> None:
    answer = pages.get(path)
    assert answer.status_code == 200
    tags = Tags(answer.text)
    assert tags.open == []
    assert tags.inline == 0
    assert all(place.startswith("/") or place == "data:," for place in tags.loaded)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.text.count("<h1>") == 1


def test_a_person_shows_what_the_api_knows(pages: Asker, folder: Path) -> None:
    user = a_user(folder)
    known = pages.get(f"/v1/users/{user}").json()
    shown = pages.get(f"/people/{user}").text
    assert known["tier"]["tier_name"] in shown
    for item in pages.get(f"/v1/users/{user}/recommendations?count=8").json()["items"]:
        assert item["item_id"] in shown
    for facet, likes in known["interests"].items():
        assert facet in shown
        assert all(name in shown for name in likes)
    assert pages.get("/people/nobody").status_code == 404


def test_a_visit_clicked_together_changes_the_list(pages: Asker) -> None:
    first = pages.get("/playground").text
    link = re.search(r'href="(/playground\?items=[^"]+)"', first)
    assert link is not None
    second = pages.get(link[1].replace("&amp;", "&")).text
    assert "<li>" in second
    assert second != first
    third = re.search(r'href="(/playground\?items=[^"]+%0A[^"]+)"', second)
    assert third is not None
    assert pages.get(third[1]).text.count("<li>") == 2


def test_what_senders_write_never_runs(tmp_path: Path) -> None:
    with open_replay(tmp_path, Settings(), Metrics()) as (_, _, replay):
        described = {"product_id": HOSTILE, "category": HOSTILE, "brand": HOSTILE}
        events = [page(HOSTILE, at, item=HOSTILE) for at in range(3)]
        replay.process([*events, track(HOSTILE, 4, "Product Viewed", described)])
        replay.finish()
    with serving(tmp_path) as asker:
        quoted = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22'%26"
        for path in [*PATHS, f"/people/{quoted}", f"/content?item={quoted}", f"/playground?items={quoted}"]:
            answer = asker.get(path)
            assert answer.status_code == 200, path
            assert "<script>alert" not in answer.text, path
            assert Tags(answer.text).inline == 0, path
        assert "&lt;script&gt;alert" in asker.get(f"/people/{quoted}").text


def test_where_nothing_is_known_a_page_says_what_to_do(tmp_path: Path) -> None:
    with open_replay(tmp_path, Settings(), Metrics()) as (_, _, replay):
        replay.finish()
    with serving(tmp_path) as asker:
        for path in PATHS:
            answer = asker.get(path)
            assert answer.status_code == 200, path
            assert 'class="empty"' in answer.text or path == "/docs", path
        assert "stream-app replay FILE" in asker.get("/").text


def test_an_erasure_needs_a_tick_and_shows_its_receipt(tmp_path: Path) -> None:
    with open_replay(tmp_path, Settings(), Metrics()) as (_, _, replay):
        replay.process([page("ann", 0, item="i"), page("bob", 1, item="i")])
        replay.finish()
    with serving(tmp_path) as asker:
        assert asker.ask("POST", "/people/ann/erase").status_code == 422
        assert asker.get("/people/ann").status_code == 200
        exported = asker.ask("POST", "/people/ann/export")
        assert "ann" in exported.json()["rows"]
        receipt = asker.ask("POST", "/people/ann/erase", data={"sure": "yes"})
        assert "Erased" in receipt.text
        assert asker.get("/people/ann").status_code == 404
        assert "bob" in asker.get("/people").text


def log_in(asker: Asker, secret: str, after: str = "/") -> str | None:
    answer = asker.ask("POST", "/login", data={"secret": secret, "next": after})
    return answer.cookies.get(COOKIE)


def test_without_a_session_every_page_leads_to_the_login(folder: Path) -> None:
    with serving(folder, client=ELSEWHERE, api_keys=ALL_KEYS) as asker:
        for path in [*PATHS, "/people/ann"]:
            answer = asker.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login?next=/")
        for act in ("erase", "export"):
            assert asker.ask("POST", f"/people/ann/{act}", data={"sure": "yes"}).status_code == 303


@pytest.mark.parametrize("scope", KEYS)
def test_a_session_shows_what_its_key_may_see(scope: str, folder: Path) -> None:
    may_see = {"recommend": [], "aggregate": [path for path in PATHS if path != "/people"]}.get(scope, PATHS)
    user = a_user(folder)
    with serving(folder, client=ELSEWHERE, api_keys=ALL_KEYS) as asker:
        assert log_in(asker, KEYS[scope])
        for path in PATHS:
            assert asker.get(path).status_code == (200 if path in may_see else 403), path
        shown = asker.get(f"/people/{user}")
        assert (user in shown.text) == (scope in {"read", "act"})
        assert ("Erase this user" in shown.text) == (scope == "act")
        for act in ("erase", "export"):
            if scope != "act":
                assert asker.ask("POST", f"/people/{user}/{act}", data={"sure": "yes"}).status_code == 403


def test_a_session_ends_and_cannot_be_forged(folder: Path) -> None:
    clock = FixedClock()
    with serving(folder, clock, ELSEWHERE, api_keys=ALL_KEYS) as asker:
        assert log_in(asker, "no-such-secret-at-all") is None
        cookie = log_in(asker, KEYS["aggregate"])
        assert cookie is not None
        name, ends_at, signature = cookie.split(".")
        asker._client.cookies.clear()
        for forged in (
            f"act.{ends_at}.{signature}", f"{name}.{int(ends_at) + 1}.{signature}", f"{name}.{ends_at}.",
            f"{name}.{ends_at}.{signature[:-1]}", f"{name}.-1.{signature}", f"{name}.{ends_at}é.x", "..", "x",
        ):  # fmt: skip
            headers = {"Cookie": f"{COOKIE}={forged}".encode()}
            assert asker.get("/", headers=headers).status_code == 303, forged
        headers = {"Cookie": f"{COOKIE}={cookie}".encode()}
        assert asker.get("/", headers=headers).status_code == 200
        clock.now += LASTS_SECONDS
        assert asker.get("/", headers=headers).status_code == 303


def test_a_page_of_another_site_cannot_act_by_a_session(folder: Path) -> None:
    user = a_user(folder)
    with serving(folder, client=ELSEWHERE, api_keys=ALL_KEYS) as asker:
        login = asker.ask("POST", "/login", data={"secret": KEYS["act"]})
        assert "httponly" in login.headers["set-cookie"].lower()
        assert "samesite=strict" in login.headers["set-cookie"].lower()
        answer = asker.ask(
            "POST", f"/people/{user}/erase", data={"sure": "yes"}, headers={"Origin": "https://evil.example"}
        )
        assert answer.status_code == 403
        assert asker.get(f"/people/{user}").status_code == 200


@pytest.mark.parametrize(
    "after",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/\n", "javascript:alert(1)"],
)
def test_a_login_leads_to_pages_of_this_server_alone(after: str, folder: Path) -> None:
    with serving(folder, client=ELSEWHERE, api_keys=ALL_KEYS) as asker:
        answer = asker.ask("POST", "/login", data={"secret": KEYS["read"], "next": after})
        assert answer.headers["location"] == "/"
        kept = asker.ask("POST", "/login", data={"secret": KEYS["read"], "next": "/people?prefix=a"})
        assert kept.headers["location"] == "/people?prefix=a"
