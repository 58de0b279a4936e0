"""A place for one process of the job, with a folder of its own."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faults.faulty_worker import Start, launch
from support.worker_process import environment

from stream_app.settings.environment import Settings

LAST_WORD = "stream-app: "
LOG_SECONDS = 5.0


@dataclass(frozen=True)
class Exit:
    """A process that ended of itself: its code, and the line that says why."""

    code: int
    line: str


class Slot:
    """A worker, or the trainer, that can be ended in any way and started again where the last one was."""

    def __init__(self, settings: Settings, folder: Path, command: tuple[str, ...], is_frozen: bool) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.clock_file = folder / "clock"
        self.halt_file = folder / "halt"
        self.is_watched = True
        self._settings = settings
        self._command = command
        self._is_frozen = is_frozen
        self._starts = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.start()

    @property
    def databases(self) -> list[Path]:
        """The folders of its partitions' rows."""
        return sorted(self.state.glob("**/rows-*.db"))

    @property
    def log(self) -> Path:
        """What the present process says, or the last one said."""
        return self.folder / f"{self._starts}.log"

    @property
    def exit(self) -> Exit:
        """How it ended."""
        assert self.process.exitcode is not None
        said = self._last_words()
        deadline = time.monotonic() + LOG_SECONDS
        while not said and self.process.exitcode > 0 and time.monotonic() < deadline:
            said = self._last_words()
        return Exit(self.process.exitcode, said[-1] if said else "")

    @property
    def stands_still(self) -> bool:
        """Whether the process was stopped, and is to be continued."""
        status = Path(f"/proc/{self.process.pid}/status").read_text() if self.process.is_alive() else ""
        return "State:\tT" in status

    def start(self, file_bytes: int | None = None) -> None:
        """Start the process again, in the folder that the last one left."""
        self._starts += 1
        variables = environment(self._settings) | {"STREAM_APP_STATE_DIR": str(self.state)}
        self.process = launch(
            Start(
                self._command,
                variables,
                self.log,
                self.clock_file,
                self.halt_file,
                self._is_frozen,
                file_bytes,
            )
        )

    def _last_words(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith(LAST_WORD)]

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if there is anybody to get it."""
        if self.process.is_alive() and self.process.pid is not None:
            with suppress(ProcessLookupError):  # it has died since
                os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it without goodbye."""
        self.process.kill()
        self.process.join()
