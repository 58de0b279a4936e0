"""The demo page, and a page of another site, in a real browser (headless Chromium)."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.collector_process import address, collector_process

from load_tests.broker import free_port
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WRITE_KEY = "key-of-the-shop"
DEADLINE_SECONDS = 90
PAGE_MILLISECONDS = 10_000

# What a site's own page does: a call that the browser asks leave for (JSON, Basic), a simple one, a beacon.
SITE_PAGE = """<!doctype html><title>shop</title><ol id="log"></ol><script>
const collector = "COLLECTOR", key = "WRITE_KEY";
const body = (user) => JSON.stringify({writeKey: key, batch: [{type: "page", userId: user}]});
async function send(user, headers) {
  let outcome;
  try {
    outcome = (await fetch(collector + "/v1/batch", {method: "POST", headers, body: body(user)})).status;
  } catch (error) { outcome = "blocked"; }
  document.getElementById("log").innerHTML += `<li>${user}: ${outcome}</li>`;
}
(async () => {
  await send("asked", {"Content-Type": "application/json", "Authorization": "Basic " + btoa(key + ":")});
  await send("simple", {"Content-Type": "text/plain"});
  navigator.sendBeacon(collector + "/v1/batch", new Blob([body("beacon")], {type: "text/plain"}));
  await send("last", {"Content-Type": "text/plain"});
})();
</script>"""


@pytest.fixture
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no browser on the PATH: install one of {', '.join(BROWSERS)}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return found  # type: ignore[return-value]


@contextmanager
def site(folder: Path) -> Iterator[int]:
    """Another web site on this machine; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def shown(browser: str, url: str, profile: Path) -> list[str]:
    """The lines of a page's log once it has come to rest."""
    command = [
        browser, "--headless", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
        f"--virtual-time-budget={PAGE_MILLISECONDS}", "--dump-dom", url,
    ]  # fmt: skip
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")  # Chromium refuses to sandbox what root runs
    answer = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True)
    return re.findall(r"<li>(.+?)</li>", answer.stdout.partition("<script")[0])


def stored(folder: Path) -> tuple[set[str], list[dict[str, Any]]]:
    """The users and the failed events of a data folder."""
    with Store(folder, read_only=True) as store:
        users = {user for _, user, _ in store.rows()}
        return users, [orjson.loads(body) for body in store.outputs("failed_event")]


def keyed(**settings: Any) -> Settings:
    return Settings(collector_port=free_port(), metrics_port=0, write_keys=WRITE_KEY, **settings)


def test_every_request_of_the_demo_page_is_taken(browser: str, tmp_path: Path) -> None:
    settings, data = keyed(), tmp_path / "data"
    with collector_process(settings, tmp_path, "--data-dir", str(data)):
        lines = shown(browser, f"{address(settings)}/demo?all&writeKey={WRITE_KEY}", tmp_path / "profile")
        refused = shown(browser, f"{address(settings)}/demo", tmp_path / "profile")
    assert lines == [
        "page: 200", "product: 200", "add: 200", "order: 200", "identify: 200", "batch: 200",
        "beacon: queued", "snowplow: 200",
    ]  # fmt: skip
    assert refused == ["page: 401"]
    users, failed = stored(data)
    assert "demo-user" in users
    assert failed == []


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_page_of_another_site_may_send_only_if_it_is_listed(
    is_listed: bool, browser: str, tmp_path: Path
) -> None:
    folder, data = tmp_path / "site", tmp_path / "data"
    folder.mkdir()
    with site(folder) as port:
        origin = f"http://localhost:{port}"
        settings = keyed(cors_origins=origin if is_listed else "https://other.example")
        page = SITE_PAGE.replace("COLLECTOR", address(settings)).replace("WRITE_KEY", WRITE_KEY)
        (folder / "index.html").write_text(page)
        with collector_process(settings, tmp_path, "--data-dir", str(data)):
            lines = shown(browser, f"{origin}/", tmp_path / "profile")
    outcome = "200" if is_listed else "blocked"
    assert lines == [f"{user}: {outcome}" for user in ("asked", "simple", "last")]
    users, _ = stored(data)
    assert users == ({"asked", "simple", "beacon", "last"} if is_listed else set())
