"""The pages in headless Chromium: whole, in light and dark, on a phone, with no request to another host."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from support.served_folder import simulate_folder
from support.worker_process import worker_process

from load_tests.broker import free_port
from stream_app.settings.environment import Settings

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DEADLINE_SECONDS = 90
PAGES = ("/", "/people", "/drivers", "/content", "/groups", "/playground", "/docs")


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no browser on the PATH: install one of {', '.join(BROWSERS)}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return found  # type: ignore[return-value]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("browsed")
    data = simulate_folder(folder)
    settings = Settings(api_port=free_port(), metrics_port=0)
    found = f"http://127.0.0.1:{settings.api_port}"

    def is_served() -> bool:
        try:
            return httpx.get(f"{found}/ready").status_code == 200
        except httpx.TransportError:
            return False

    with worker_process(settings, folder, "serve", "--data-dir", str(data)) as process:
        process.wait_for(is_served)
        yield found


def looked_at(browser: str, url: str, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The browser's view of a page once it has come to rest; it may ask the served address alone."""
    command = [
        browser, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={profile}",
        "--virtual-time-budget=3000", *options, url,
    ]  # fmt: skip
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")  # Chromium refuses to sandbox what root runs
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_itself_without_a_complaint(
    path: str, browser: str, address: str, tmp_path: Path
) -> None:
    answer = looked_at(browser, f"{address}{path}", tmp_path, "--dump-dom")
    assert "<h1>" in answer.stdout
    complaints = [line for line in answer.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []


class Measuring(BaseHTTPRequestHandler):
    """Passes pages on with a script of the test, which a page's own policy would not let run."""

    address = ""
    script = b"<script>document.title = document.documentElement.scrollWidth - innerWidth</script>"

    def do_GET(self) -> None:  # the library's name
        answer = httpx.get(f"{self.address}{self.path}")
        body = answer.content.replace(b"</html>", self.script)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["content-type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_no_wider_than_a_narrow_window(
    path: str, browser: str, address: str, tmp_path: Path
) -> None:
    Measuring.address = address
    with ThreadingHTTPServer(("127.0.0.1", 0), Measuring) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}{path}"
        answer = looked_at(browser, url, tmp_path, "--window-size=500,900", "--dump-dom")
        proxy.shutdown()
    [excess] = re.findall(r"<title>(-?\d+)</title>", answer.stdout)
    assert int(excess) <= 0


def test_the_pictures_of_the_documents_are_made_by_their_command(
    browser: str, address: str, tmp_path: Path
) -> None:
    command = [sys.executable, str(ROOT / "docs/screenshots.py"), address, "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=4 * DEADLINE_SECONDS)
    made = {path.name for path in tmp_path.glob("*.png")}
    assert made == {path.name for path in (ROOT / "docs/pictures").glob("*.png")}
