"""Replays in processes of their own, which may be killed at a chosen moment."""

import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from support.forked import fork

from stream_app.errors import StateError
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.row_store import RowStore
from stream_app.runtimes.embedded import rows
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.rules import Rules
from stream_app.testing import START, FixedModels, RecordedSource, random_events

RULES = Rules()
WALL_CLOCK = START + 3_000 * 86_400.0
VALUES = random_events(Random(7), 1_000, users=30)
WRITES = ("put", "flush")


def in_a_process(work: Callable[..., object], *arguments: object) -> int | None:
    """Do something in a process of its own and return its exit code, negative if a signal ended it."""
    process = fork(work, *arguments)
    process.join(60)
    assert not process.is_alive()
    return process.exitcode


def open_replay(store: Store, **options: Any) -> Replay:
    """A replay with small rounds, by a clock that stands still."""
    chosen = {"round_records": 40, "checkpoint_rounds": 3, "clock": lambda: WALL_CLOCK} | options
    return Replay(store, chosen.pop("models", FixedModels()), RULES, Metrics(), **chosen)


def replay_and_die(
    folder: Path, options: dict[str, Any], moment: int, at: Sequence[str] = (), kept_redo_bytes: int = 50_000
) -> None:
    """Replay, and be killed at the given one of the moments named, or of all: SQL's and the row store's.

    A moment of SQL is before a statement, inside a transaction or between two; one of the row store is
    before or after a write.
    """
    left = moment

    def pass_by(name: str) -> None:
        nonlocal left
        left -= not at or name in at
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(name: str) -> Callable[..., None]:
        write = getattr(RowStore, name)

        @wraps(write)
        def written(*arguments: object) -> None:
            pass_by(f"before {name}")
            write(*arguments)
            pass_by(f"after {name}")

        return written

    for name in WRITES:
        setattr(RowStore, name, watched(name))
    rows.KEPT_REDO_BYTES = kept_redo_bytes
    with Store(folder) as store:
        store._connection.set_trace_callback(lambda _statement: pass_by("statement"))
        run = open_replay(store, **options)
        run.run(RecordedSource(VALUES), lambda _records, _read: None)
        run.close_idle()


def replay_a_stream_and_die(folder: Path, records: int) -> None:
    """Replay the begin of a live stream, and be killed before it is known to have ended."""
    with Store(folder) as store:
        stream = RecordedSource(VALUES[:records], name="-", is_live=True)
        open_replay(store).run(stream, lambda _records, _read: None)
        os.kill(os.getpid(), signal.SIGKILL)


def replay_by_an_early_clock_and_die(folder: Path, values: Sequence[bytes], records: int) -> None:
    """Replay values under a clock that shows their begin, and be killed after as many."""

    def die(done: int, _read: int) -> None:
        if done == records:
            os.kill(os.getpid(), signal.SIGKILL)

    with Store(folder) as store:
        run = Replay(store, FixedModels(), RULES, Metrics(), lambda: START, 1, 100, 10, 1)
        run.run(RecordedSource(values), die)


def hold(folder: Path, told: Connection) -> None:
    """Open a folder, tell so, and keep it until told."""
    with Store(folder):
        told.send("held")
        told.recv()


def fill_a_disk(folder: Path) -> None:
    """Write rows until no file can grow any more, as on a full disk."""
    store = RowStore(folder, b"position", rows.WRITE_BUFFER_BYTES)
    store.put([(b"flushed", b"row")], 1)
    store.flush()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    store.put([(b"key %d" % number, b"row" * 1_000) for number in range(1_000)], 2)
    try:
        store.flush()
    except StateError:
        store.close()
        sys.exit(0)
    sys.exit("written in spite of it")
