"""`stream-app replay -` as a process that reads a file, which may be killed on the way."""

import signal
import sys
from functools import partial
from pathlib import Path

from support.dying_trainer import die_at_statement
from support.worker_process import worker_process

from stream_app.errors import RefusedEventsError
from stream_app.folder import opening
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings

DEADLINE_SECONDS = 120.0


def replay(folder: Path, piped: Path, die_at: int = 0) -> str | None:
    """Run the command to its end and return its messages, or None where a statement of SQL was its last."""
    command = ("replay", "-", "--data-dir", str(folder), "--json")
    log_folder = folder.with_name(f"{folder.name}-{die_at}")
    with worker_process(Settings(), log_folder, *command, before=partial(_prepare, piped, die_at)) as process:
        code = process.process.wait(DEADLINE_SECONDS)
    if code == -signal.SIGKILL:
        return None
    # The streams of tests have many late events, which the command reports by its exit code.
    assert code in (0, RefusedEventsError.exit_code), process.log.read_text()
    return process.log.read_text()


def _prepare(piped: Path, die_at: int) -> None:
    sys.stdin = piped.open()
    opening.Replay = partial(Replay, round_records=40, checkpoint_rounds=3)  # type: ignore[assignment, attr-defined]
    if die_at:
        opening.Store = partial(_dying_store, die_at)  # type: ignore[assignment, attr-defined]


def _dying_store(die_at: int, folder: Path) -> Store:
    store = Store(folder)
    die_at_statement(store, die_at)
    return store
