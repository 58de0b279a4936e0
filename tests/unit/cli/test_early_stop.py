"""A command that is told to stop before it has begun says so, with a fitting exit code."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.005


@pytest.mark.parametrize(
    ("command", "number", "exit_code", "said"),
    [
        ("worker", signal.SIGTERM, 0, "while it started"),
        ("trainer", signal.SIGINT, 0, "while it started"),
        ("collect", signal.SIGTERM, 0, "while it started"),
        ("replay", signal.SIGTERM, 143, "run the same command again"),
    ],
)
def test_it_ends_with_one_line(
    tmp_path: Path, command: str, number: signal.Signals, exit_code: int, said: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "stream_app", command], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        _wait_for_handlers(process.pid)
        process.send_signal(number)
        _, messages = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == exit_code
    assert messages.startswith("stream-app: stopped as asked")
    assert messages.count("\n") == 1
    assert said in messages


def _wait_for_handlers(pid: int) -> None:
    """Until the process has a handler of SIGTERM, its last; the imports of its command take longer."""
    pause = threading.Event()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not _handled(pid) & 1 << (signal.SIGTERM - 1):
        assert time.monotonic() < deadline, "no handler"
        pause.wait(POLL_SECONDS)


def _handled(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("SigCgt:")[2].split()[0], 16)
