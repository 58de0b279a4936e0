"""`up`: collector, processing, API and pages over one folder with one command, as processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from stream_app.cli.options import DataDir, SetOption, messages
from stream_app.errors import StateError

if TYPE_CHECKING:
    from stream_app.settings.environment import Settings

POLL_SECONDS = 0.2
STOP_SECONDS = 20.0


def up(data_dir: DataDir = Path("data"), flags: SetOption = None) -> None:
    """Collect events, process them into a folder, and serve what it knows, until Ctrl-C ends all."""
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    options = ["--data-dir", str(data_dir), *(part for flag in flags or () for part in ("--set", flag))]
    told_to_stop = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told_to_stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    collector = _begin("collect", options)
    processes = {"collect": collector}
    try:
        while not told_to_stop.is_set() and collector.poll() is None and not _is_ready(settings):
            told_to_stop.wait(POLL_SECONDS)
        if not told_to_stop.is_set() and collector.poll() is None:
            processes["serve"] = _begin("serve", options)
        while not told_to_stop.is_set() and all(process.poll() is None for process in processes.values()):
            told_to_stop.wait(POLL_SECONDS)
        ended = [name for name, process in processes.items() if process.poll() is not None]
    finally:
        _end(list(processes.values()))
    if not told_to_stop.is_set():
        raise StateError(f"`stream-app {ended[0]}` ended, and so does all: what it said stands above")
    messages.print("stopped: every event that was answered with 200 is durable")


def _begin(command: str, options: Sequence[str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which ends them in order.
    return subprocess.Popen([sys.executable, "-m", "stream_app", command, *options], start_new_session=True)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _is_ready(settings: Settings) -> bool:
    """Whether the collector has opened the folder."""
    host = settings.collector_host
    own = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    try:
        with urllib.request.urlopen(f"http://{own}:{settings.collector_port}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
