"""A command as an operator runs it: a process of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.forked import fork

from stream_app.cli import main
from stream_app.settings.environment import PREFIX, Settings

DEADLINE_SECONDS = 90.0
POLL_SECONDS = 0.1


class WorkerProcess:
    """A `stream-app` process with its messages in a file."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        command: Sequence[str],
        before: Callable[[], object] | None,
        is_forked: bool,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{command[0]}.log"
        self.log.touch()
        variables = environment(settings) | {f"{PREFIX}STATE_DIR": str(folder / "state")}
        self.process = (
            _Forked(command, variables, self.log, before)
            if is_forked
            else _begin(command, variables, self.log)
        )

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait()

    def terminate(self, timeout: float = 30) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for something that it is to bring about; it must not end meanwhile."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        pause = threading.Event()
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"not reached in time: {self.log.read_text()}"
            # What it needs to get there is the same processor.
            pause.wait(POLL_SECONDS)

    def has_said(self, text: str) -> bool:
        """Whether its messages contain a text."""
        return text in self.log.read_text()

    @property
    def last_line(self) -> str:
        """What it said last."""
        return self.log.read_text().strip().splitlines()[-1]


class _Forked:
    """A command in a process forked, handled as `subprocess.Popen` is."""

    def __init__(
        self,
        command: Sequence[str],
        variables: dict[str, str],
        log: Path,
        before: Callable[[], object] | None,
    ) -> None:
        self._process = fork(_run, command, variables, log, before)
        self.kill = self._process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"process {self._process.pid} still runs")
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self._process.pid is not None:
            os.kill(self._process.pid, number)


def _begin(command: Sequence[str], variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as messages:
        return subprocess.Popen(
            [sys.executable, "-m", "stream_app", *command],
            env=os.environ | variables,
            stdout=messages,
            stderr=messages,
        )


def _run(
    command: Sequence[str], variables: dict[str, str], log: Path, before: Callable[[], object] | None
) -> None:
    with log.open("ab") as messages:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(messages.fileno(), stream.fileno())
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(variables)
    sys.argv = ["stream-app", *command]
    if before is not None:
        before()
    main.main()


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
def worker_process(
    settings: Settings,
    folder: Path,
    *command: str,
    before: Callable[[], object] | None = None,
    is_forked: bool = True,
) -> Iterator[WorkerProcess]:
    """Run a command until the block ends.

    Not forked, it is an interpreter of its own and takes seconds to start; forked, something can be done in
    it before the command is.
    """
    process = WorkerProcess(settings, folder, command, before, is_forked)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.kill()
