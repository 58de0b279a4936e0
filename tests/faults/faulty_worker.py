"""`stream-app worker` in a process that can be told to fail."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from faults.frozen_models import FROZEN_MODELS
from faults.recorded_stream import STUCK
from support.forked import fork
from support.kafka_cluster import FixedModelSource

from stream_app.cli import main
from stream_app.core import step
from stream_app.intake.decoding import decode
from stream_app.runtimes.kafka.consume import app
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.schemas.topics import rows_changelog

STUCK_SECONDS = 600
CHANGELOG = rows_changelog("").name


@dataclass(frozen=True)
class Start:
    """How a process is started: its command, its environment and what is wrong with its machine.

    `clock_file` holds the seconds by which its clock is off. Where there is a `halt_file`, the process
    deletes it and stands still in the middle of its next write of rows. No file of it can grow beyond
    `file_bytes`: so each write fails as on a full disk, and nobody need be root for it.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    clock_file: Path
    halt_file: Path
    has_frozen_models: bool
    file_bytes: int | None = None


def launch(start: Start) -> BaseProcess:
    """Start a process; it is ended with this one."""
    start.log.touch()
    return fork(_run, start)


def _run(start: Start) -> None:
    with start.log.open("ab") as log:
        # Written by another process, for which no limit holds.
        writer = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
        assert writer.stdin is not None
        for number in (sys.stdout.fileno(), sys.stderr.fileno()):
            os.dup2(writer.stdin.fileno(), number)
    os.environ.update(start.environment)
    if start.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (start.file_bytes, start.file_bytes))
    time.time = clock = ShiftedClock(start.clock_file, time.time)
    changes: dict[str, object] = {"clock": clock}
    if start.has_frozen_models:
        changes["make_models"] = lambda *_: FixedModelSource(FROZEN_MODELS)
    app.BulkProducer = partial(HaltingProducer, start.halt_file)  # type: ignore[assignment, attr-defined]
    app.build_worker = partial(app.build_worker, **changes)
    step.decode = decode_or_stay  # type: ignore[assignment, attr-defined]
    sys.argv = ["stream-app", *start.command]
    main.main()


def decode_or_stay(value: bytes | None, *others: Any) -> Any:
    """Decode a record, unless it is one from which no call returns."""
    while value == STUCK:  # the guard's signals end a sleep, not the loop
        ctypes.PyDLL(None).sleep(STUCK_SECONDS)  # which, called so, keeps the interpreter to itself
    return decode(value, *others)


class HaltingProducer(BulkProducer):
    """Stands still before it sends rows, once its outputs are acknowledged, where a file says so."""

    def __init__(self, halt_file: Path, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._halt_file = halt_file

    async def send(self, topic: str, *args: Any, **kwargs: Any) -> int:
        """Send messages, some day."""
        if topic.endswith(CHANGELOG) and self._halt_file.exists():
            self._halt_file.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super().send(topic, *args, **kwargs)


class ShiftedClock:
    """The time of day, off by as many seconds as a file says; as Python reads it, not as C does."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now

    def __call__(self) -> float:
        shift = float(self._path.read_text()) if self._path.exists() else 0.0
        return self._now() + shift
