"""What a measurement runs on: a broker, its topics, a folder, and assigned cores."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from load_tests.broker import running_broker
from load_tests.contender import Contender, running
from load_tests.topics import Topics

PARTITIONS = 4


@dataclass(frozen=True)
class Testbed:
    """Each contender gets one of `worker_cores`; the broker and everything else share `other_cores`."""

    servers: str
    topics: Topics
    folder: Path
    worker_cores: Sequence[int]
    other_cores: frozenset[int]
    _numbers: Iterator[int]

    def new_name(self, kind: str) -> str:
        """A unique name on this testbed, for a topic, a group or a folder."""
        return f"{kind}-{next(self._numbers)}"

    @contextlib.contextmanager
    def contender(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        worker: int | None = 0,
        folder: Path | None = None,
    ) -> Iterator[Contender]:
        """A running process on the numbered worker's core, or with `None` beside the broker."""
        cores = set(self.other_cores) if worker is None else {self.worker_cores[worker]}
        log = self.folder / self.new_name("log")
        with running(command, cores, log, env, folder) as contender:
            yield contender


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules."""
    return [sys.executable, "-m", module, *arguments]


@contextlib.asynccontextmanager
async def prepared() -> AsyncIterator[Testbed]:
    """A testbed with its own broker. The first core is a worker's, and a second worker shares the last."""
    cores = sorted(os.sched_getaffinity(0))
    others = frozenset(cores[1:] or cores)
    os.sched_setaffinity(0, others)  # inherited by the broker
    try:
        with tempfile.TemporaryDirectory(prefix="load-test-") as folder, running_broker() as broker:
            async with Topics(broker.bootstrap_servers, PARTITIONS) as topics:
                workers = (cores[0], cores[-1])
                yield Testbed(broker.bootstrap_servers, topics, Path(folder), workers, others, count(1))
    finally:
        os.sched_setaffinity(0, cores)
