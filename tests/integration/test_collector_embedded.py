"""The collector before a data folder: what was answered is stored, however the process ends."""

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from support.collector_process import DEADLINE_SECONDS, POLL_SECONDS, collector_process, send
from support.worker_process import worker_process

from load_tests.broker import free_port
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings

ANSWERS_BEFORE_KILL = 60
CLIENTS = 8


@pytest.fixture
def settings() -> Settings:
    return Settings(collector_port=free_port(), metrics_port=0)


def event(user: str) -> dict[str, Any]:
    return {"type": "page", "userId": user}


def stored_users(folder: Path) -> set[str]:
    with Store(folder, read_only=True) as store:
        return {user for _, user, _ in store.rows()}


def send_until_it_fails(
    settings: Settings, client: int, answered: list[str], killing: threading.Event
) -> None:
    for number in range(10_000):
        user = f"client-{client}-user-{number}"
        try:
            status = send(settings, event(user)).status_code
        except httpx.TransportError:
            return
        assert status == 200
        answered.append(user)
        if len(answered) >= ANSWERS_BEFORE_KILL:
            killing.set()


@pytest.mark.parametrize("round_number", range(2))
def test_what_was_answered_outlives_a_kill(round_number: int, settings: Settings, tmp_path: Path) -> None:
    data = tmp_path / "data"
    answered: list[str] = []
    killing = threading.Event()
    with (
        collector_process(settings, tmp_path, "--data-dir", str(data)) as process,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        sending = [
            pool.submit(send_until_it_fails, settings, client, answered, killing) for client in range(CLIENTS)
        ]
        assert killing.wait(DEADLINE_SECONDS)
        process.kill()
        for client in sending:
            client.result()
    assert len(answered) >= ANSWERS_BEFORE_KILL
    assert set(answered) <= stored_users(data)
    with collector_process(settings, tmp_path, "--data-dir", str(data)):
        assert send(settings, event("after")).status_code == 200
        assert "after" in stored_users(data)


def begin_request(settings: Settings, body: bytes) -> socket.socket:
    """A request whose server has begun to wait for the body."""
    connection = socket.create_connection(("127.0.0.1", settings.collector_port), timeout=DEADLINE_SECONDS)
    lines = (
        "POST /v1/batch HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
        f"Content-Length: {len(body)}", "Expect: 100-continue", "", "",
    )  # fmt: skip
    connection.sendall("\r\n".join(lines).encode())
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    return connection


def wait_until_refused(port: int) -> None:
    """Wait until nobody listens any more."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline
        pause.wait(POLL_SECONDS)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_answered_before_it_stops(
    stop: signal.Signals, settings: Settings, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    body = orjson.dumps({"batch": [event("last")]})
    with (
        collector_process(settings, tmp_path, "--data-dir", str(data)) as process,
        begin_request(settings, body) as connection,
    ):
        process.process.send_signal(stop)
        wait_until_refused(settings.collector_port)
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert process.process.wait(DEADLINE_SECONDS) == 0
        assert process.last_line.startswith("stopped")
    assert stored_users(data) == {"last"}


def test_a_port_in_use_is_said_in_one_line(settings: Settings, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        collector_process(settings, tmp_path / "first", "--data-dir", str(data)),
        worker_process(settings, tmp_path / "second", "collect", "--data-dir", str(data)) as second,
    ):
        assert second.process.wait(DEADLINE_SECONDS) == 2
        assert "set STREAM_APP_COLLECTOR_HOST" in second.last_line


def test_without_keys_it_says_who_is_taken(settings: Settings, tmp_path: Path) -> None:
    with collector_process(settings, tmp_path, "--data-dir", str(tmp_path / "data")) as process:
        assert "no write keys: only clients on this machine are accepted" in process.log.read_text()
    keyed = settings.model_copy(update={"write_keys": Settings(write_keys="a-key-of-the-shop").write_keys})
    with collector_process(keyed, tmp_path / "keyed", "--data-dir", str(tmp_path / "data")) as process:
        assert "no write keys" not in process.log.read_text()
        assert "a-key-of-the-shop" not in process.log.read_text()
        assert send(keyed, event("u")).status_code == 401
