"""A data folder of simulated people, and the API over it, asked in this process."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from stream_app.folder.folder_acts import FolderActs
from stream_app.folder.folder_present import FolderPresent
from stream_app.folder.folder_studies import FolderStudies
from stream_app.serving.api.app import create_api
from stream_app.serving.api.service import Service
from stream_app.serving.api.shown_lists import ShownLists
from stream_app.serving.pages.adding import add_pages
from stream_app.settings.environment import Settings

ADDRESS = "http://127.0.0.1:8091"
LOCAL = ("127.0.0.1", 50_000)
KEYS = {scope: f"{scope}-secret-of-a-test" for scope in ("recommend", "aggregate", "read", "act")}
ALL_KEYS = ",".join(f"{scope}:{secret}:{scope}" for scope, secret in KEYS.items())


def simulate_folder(folder: Path, users: int = 60, days: int = 8) -> Path:
    """Fill a folder with what simulated people did."""
    shutil.rmtree(folder, ignore_errors=True)
    run("simulate", "--users", str(users), "--days", str(days), "--out", str(folder / "input"))
    events, catalogue = folder / "input/events.jsonl", folder / "input/catalogue.jsonl"
    run("replay", str(events), "--catalogue", str(catalogue), "--data-dir", str(folder / "state"))
    return folder / "state"


def run(*arguments: str) -> None:
    """A command as from a shell."""
    command = [sys.executable, "-m", "stream_app", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


class FixedClock:
    """A clock that a test sets."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Asker:
    """Asks an application as a client at `client` would, with a key if it has one."""

    def __init__(self, app: FastAPI, client: tuple[str, int] = LOCAL, address: str = ADDRESS) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, client=client)
        self._client = httpx.AsyncClient(transport=transport, base_url=address)

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        """One request and its answer."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return self._runner.run(self._client.request(method, path, headers=headers, **options))

    def get(self, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        return self.ask("GET", path, key, **options)

    def post(self, path: str, body: Any, key: str | None = None, **options: Any) -> httpx.Response:
        return self.ask("POST", path, key, json=body, **options)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@contextmanager
def serving(
    folder: Path, clock: FixedClock | None = None, client: tuple[str, int] = LOCAL, **settings: Any
) -> Iterator[Asker]:
    """The API over a folder."""
    clock = clock or FixedClock()
    chosen = Settings(**settings)
    present = FolderPresent(folder, chosen, clock)
    service = Service(
        present,
        FolderStudies(folder, chosen),
        FolderActs(folder, chosen),
        ShownLists(chosen.recommend_validity, clock),
        clock,
    )
    app = create_api(service, chosen, clock)
    add_pages(app, "data", clock)
    asker = Asker(app, client)
    try:
        yield asker
    finally:
        asker.close()
        present.close()
