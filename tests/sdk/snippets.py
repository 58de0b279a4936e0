"""The snippets of `docs/collector.md`, run as their readers run them: in Python, in Node, in a page."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SNIPPETS = REPOSITORY / "docs" / "snippets"
HERE = Path(__file__).parent
INSTALLED = REPOSITORY / "build" / "sdk"
PYTHON = INSTALLED / "python" / "bin" / "python"
NODE_FOLDER = INSTALLED / "node"
DOCUMENTED_HOST = "https://collect.example"
DOCUMENTED_KEY = "YOUR-KEY"
DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05
PAGE = "/p/sku-1?utm_source=news&utm_medium=email&utm_campaign=spring"
# The agent of a person's browser reaches Node through none of these.
QUIET = {"NO_COLOR": "1", "NODE_NO_WARNINGS": "1"}


def require_sdks() -> None:
    """Make sure that the SDKs and a browser are installed."""
    missing = [
        name
        for name, is_there in (
            ("Python's SDKs", PYTHON.exists()),
            ("npm's SDKs", (NODE_FOLDER / "node_modules" / "esbuild").exists()),
            ("node", shutil.which("node") is not None),
            ("chromium", shutil.which("chromium") is not None),
        )
        if not is_there
    ]
    if missing:
        pytest.fail(f"`make sdk-test` installs what is missing here, but for node and chromium: {missing}")


def filled(source: Path, host: str, key: str) -> str:
    """A snippet's text with this test's collector in the place of the reader's."""
    return source.read_text().replace(DOCUMENTED_HOST, host).replace(DOCUMENTED_KEY, key)


def run_on_server(source: Path, host: str, key: str, folder: Path) -> str:
    """Run a snippet of a server to its end; what it printed."""
    if source.suffix == ".py":
        script = folder / source.name
        command = [str(PYTHON), str(script)]
    else:
        # Node finds packages from where the script lies.
        script = NODE_FOLDER / f"{folder.name}-{source.name}"
        command = ["node", str(script)]
    script.write_text(filled(source, host, key))
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            env=os.environ | QUIET,
            check=False,
        )
    finally:
        script.unlink()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def bundle(source: Path, host: str, key: str, folder: Path) -> None:
    """A page whose script is a snippet with its packages, as a site's build makes it."""
    module = NODE_FOLDER / f"{folder.name}-{source.name}"
    module.write_text(filled(source, host, key))
    built = folder / "site" / "app.js"
    built.parent.mkdir(exist_ok=True)
    try:
        subprocess.run(
            [NODE_FOLDER / "node_modules" / ".bin" / "esbuild", module, "--bundle", "--log-level=error",
             "--define:process.env.NODE_ENV=\"production\"", f"--outfile={built}"],
            check=True, timeout=DEADLINE_SECONDS,
        )  # fmt: skip
    finally:
        module.unlink()


class _Site(SimpleHTTPRequestHandler):
    """Every page of the shop is the same page; its script is the snippet."""

    def do_GET(self) -> None:
        if self.path.endswith(".js"):
            super().do_GET()
            return
        script = "" if self.path.startswith("/bye") else "<button>Buy</button><script src=/app.js></script>"
        body = f"<!doctype html><html lang=de><title>Shoe</title>{script}</html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base class)
        """Say nothing."""


@contextmanager
def shop(folder: Path) -> Iterator[str]:
    """A web site on another origin than the collector; gives its address."""
    (folder / "site").mkdir(exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Site, directory=str(folder / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def visit(site: str, page: str = PAGE) -> Iterator["Visit"]:
    """A browser on a page of the shop; left in good order, so that it sends what it has kept back."""
    script = NODE_FOLDER / "browse.mjs"
    script.write_text((HERE / "browse.mjs").read_text())
    process = subprocess.Popen(
        ["node", script, f"{site}{page}", f"{site}/bye"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | QUIET,
    )
    visiting = Visit(process)
    try:
        yield visiting
    finally:
        process.kill()
        process.wait()


class Visit:
    """A page that is open in a browser."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip())

    def leave(self) -> None:
        """Go to another page, and close the browser."""
        assert self._process.stdin is not None
        self._process.stdin.write("leave\n")
        self._process.stdin.flush()
        assert self._process.wait(DEADLINE_SECONDS) == 0, self.said


def wait_until(condition: Callable[[], bool], explain: Callable[[], object] = lambda: "") -> None:
    """Wait for something that is to come about."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, explain()
        pause.wait(POLL_SECONDS)
