"""`stream-app worker` in a process that can be told to fail: forked of one that has imported everything.

To start a process costs seconds of imports, and a run starts more than a hundred.
"""

import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

from faults.frozen_models import FROZEN_MODELS
from support.kafka_cluster import FixedModelSource

from stream_app import cli
from stream_app.runtimes.kafka import app

TESTS = Path(__file__).parents[1]
# Imported before a process is forked; commands import the rest only when they run.
PRELOADED = ["faults.faulty_worker", "stream_app.commands.kafka", "stream_app.runtimes.kafka.worker"]
_context = multiprocessing.get_context("forkserver")
# The process that is forked from looks for our modules there.
os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])


@dataclass(frozen=True)
class Start:
    """How a process is started: its command, its environment and what is wrong with its machine.

    `clock_file` holds the seconds by which its clock is off. No file of it can grow beyond `file_bytes`:
    so each write fails as on a full disk, and nobody need be root for it.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    clock_file: Path
    has_frozen_models: bool
    file_bytes: int | None = None


def launch(start: Start) -> BaseProcess:
    """Start a process; it is ended with this one."""
    start.log.touch()
    _context.set_forkserver_preload(PRELOADED)
    process = _context.Process(target=_run, args=(start,), daemon=True)
    process.start()
    return process


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
    app.build_worker = partial(app.build_worker, **changes)
    sys.argv = ["stream-app", *start.command]
    cli.main()


class ShiftedClock:
    """The time of day, off by as many seconds as a file says; as Python reads it, not as C does."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now

    def __call__(self) -> float:
        shift = float(self._path.read_text()) if self._path.exists() else 0.0
        return self._now() + shift
