"""`stream-app collect` as an operator runs it, with clients that send to it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.worker_process import WorkerProcess, worker_process

from stream_app.settings.environment import Settings

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05
BEGUN = "collecting on"
_CLIENT = httpx.Client(timeout=DEADLINE_SECONDS)  # a new one for each request would load certificates anew


@contextmanager
def collector_process(settings: Settings, folder: Path, *options: str) -> Iterator[WorkerProcess]:
    """A collector that is ready, until the block ends."""
    with worker_process(settings, folder, "collect", *options) as process:
        wait_until_ready(settings, process)
        yield process


def wait_until_ready(settings: Settings, process: WorkerProcess) -> None:
    """Wait for `GET /ready`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while not (BEGUN in process.log.read_text() and is_ready(settings)):
        assert process.process.poll() is None, process.log.read_text()
        assert time.monotonic() < deadline, process.log.read_text()
        pause.wait(POLL_SECONDS)


def is_ready(settings: Settings) -> bool:
    """What `GET /ready` says; a server that is not there is not ready."""
    try:
        return _CLIENT.get(f"{address(settings)}/ready").status_code == 200
    except httpx.TransportError:
        return False


def send(settings: Settings, *events: dict[str, Any]) -> httpx.Response:
    """Send a batch, as a server would."""
    batch = {"batch": list(events)}
    return _CLIENT.post(f"{address(settings)}/v1/batch", json=batch)


def address(settings: Settings) -> str:
    """Where the collector listens."""
    return f"http://127.0.0.1:{settings.collector_port}"
