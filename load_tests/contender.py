"""A contender as a separate process on one core, watched from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from load_tests.samples import Sample

LOOK_SECONDS = 0.05
STOP_SECONDS = 20.0
DEADLINE_SECONDS = 120.0
"""A contender that makes no progress for so long is given up."""
_TICKS = os.sysconf("SC_CLK_TCK")

Progress = Callable[[], Awaitable[int]]


class ContenderError(RuntimeError):
    """A contender ended, or made no progress."""


class Contender:
    """A running process, limited to `cores`, with `folder` as its working directory."""

    def __init__(
        self,
        command: Sequence[str],
        cores: set[int],
        log: Path,
        env: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        self._log = log
        self._printed = 0
        pinned = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), *command]
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                # So that a killed measurement leaves nothing behind.
                ["setpriv", "--pdeathsig", "KILL", *pinned],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **env},
                cwd=folder,
            )
        threading.Thread(target=self._read_lines, daemon=True).start()

    async def printed(self) -> int:
        """The last number printed by it."""
        return self._printed

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all its threads."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def peak_bytes(self) -> int:
        """Its peak resident memory."""
        return self._memory("VmHWM")

    @property
    def resident_bytes(self) -> int:
        """Its current resident memory."""
        return self._memory("VmRSS")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def watch(
        self,
        progress: Progress,
        goal: int,
        look_seconds: float = LOOK_SECONDS,
        others: Sequence[Contender] = (),
    ) -> list[Sample]:
        """Watch it, and others that share the work, until their progress reaches a goal.

        Raises:
            ContenderError: it ended before that, or made no progress for too long.
        """
        samples: list[Sample] = []
        moved_at = time.perf_counter()
        while not samples or samples[-1].events < goal:
            await asyncio.sleep(look_seconds)
            events = await progress()
            now = time.perf_counter()
            for process in (self, *others):
                process.check()
            if not samples or events > samples[-1].events:
                moved_at = now
            elif now - moved_at > DEADLINE_SECONDS:
                raise ContenderError(f"stands at {events} of {goal} events: {self.log_tail()}")
            cpu = sum(process.cpu_seconds for process in (self, *others))
            samples.append(Sample(now, cpu, events))
        return samples

    def check(self) -> None:
        """Check that it is still running.

        Raises:
            ContenderError: it has ended.
        """
        if self._process.poll() is not None:
            raise ContenderError(f"ended with {self._process.returncode}: {self.log_tail()}")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause it within a `with` block, so that work prepared meanwhile is all there afterwards."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it, gracefully if possible."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self) -> str:
        """The end of its standard error."""
        return self._log.read_text(errors="replace")[-2000:]

    def _memory(self, name: str) -> int:
        line = next(line for line in self._proc("status").splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip().isdigit():
                self._printed = int(line)


@contextlib.contextmanager
def running(
    command: Sequence[str],
    cores: set[int],
    log: Path,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[Contender]:
    """A contender for the length of a `with` block."""
    contender = Contender(command, cores, log, env or {}, folder)
    try:
        yield contender
    finally:
        contender.stop()
