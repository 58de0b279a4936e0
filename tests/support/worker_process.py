"""A worker as an operator runs it: a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stream_app.settings import PREFIX, Settings


class WorkerProcess:
    """A `stream-app` process with its messages in a file."""

    def __init__(self, settings: Settings, folder: Path, command: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{command[0]}.log"
        self._messages: IO[bytes] = self.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stream_app", *command],
            env={**os.environ, **environment(settings), f"{PREFIX}STATE_DIR": str(folder / "state")},
            stdout=self._messages,
            stderr=self._messages,
        )

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait()

    def terminate(self, timeout: float = 30) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            self.kill()
        self._messages.close()

    @property
    def last_line(self) -> str:
        """What it said last."""
        return self.log.read_text().strip().splitlines()[-1]


def environment(settings: Settings) -> dict[str, str]:
    """The settings that are not the defaults, as environment variables."""
    variables: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if value not in (None, field.default):
            is_secret = hasattr(value, "get_secret_value")
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            variables[PREFIX + name.upper()] = value.get_secret_value() if is_secret else text
    return variables


@contextmanager
def worker_process(settings: Settings, folder: Path, *command: str) -> Iterator[WorkerProcess]:
    """Run a command until the block ends."""
    process = WorkerProcess(settings, folder, command)
    try:
        yield process
    finally:
        process.close()
