"""A process that watches another one, and ends it if it is stuck in a call, even in C.

A thread could not do this, because a call that holds the interpreter lock lets no other thread run. So this
is a separate process, started from this file with only the standard library (`python -I -S guard.py`). It
sees the other's progress through a memory-mapped file (`Position`). `runtimes/common/guarded.py` explains how
the other process gets our exit code.

Before it ends the other, it durably records which record was being processed, so that the next start
processes such records one by one, and skips one that has stopped it too often.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

POSITION_FILE, PLACE_FILE, STRIKES_FILE = "position", "place", "strikes.json"
FILES = (POSITION_FILE, PLACE_FILE, STRIKES_FILE)
POSITION_BYTES = 512
CHECKS = 10
# Reserved from the time limit for this process's own work.
SPARE = 1.2
PLACE_SECONDS = 1.0
END_SECONDS = 2.0
POLL_SECONDS = 0.01
MOST_STRIKES = 3
# If a topic was recreated, offsets in rows continue from the next multiple of this.
GENERATION = 10**12
TELL_PLACE, END_WITH_5 = signal.SIGUSR1, signal.SIGTRAP

_TURNS, _WORK = struct.Struct("=Q"), struct.Struct("=?iqqqH")
_OFFSET_AT = _TURNS.size + struct.calcsize("=?i")
_OFFSET = struct.Struct("=q")


class Work(NamedTuple):
    """The record being processed, and its batch, from first to last offset inclusive."""

    topic: str
    partition: int
    offset: int
    first: int
    last: int


class Position:
    """A process's progress in shared memory; written in place, without system calls."""

    def __init__(self, memory: Any = None) -> None:
        self._memory = bytearray(POSITION_BYTES) if memory is None else memory

    @property
    def turns(self) -> int:
        """How often the process has returned to its event loop."""
        turns: int = _TURNS.unpack_from(self._memory)[0]
        return turns

    def turn(self) -> None:
        """Note that the process has returned to its event loop."""
        _TURNS.pack_into(self._memory, 0, self.turns + 1)

    def begin(self, topic: str, partition: int, first: int, last: int) -> None:
        """Note the start of a batch, with its first record."""
        name = topic.encode()
        start = _TURNS.size
        self._memory[start + _WORK.size : start + _WORK.size + len(name)] = name
        _WORK.pack_into(self._memory, start, True, partition, first, first, last, len(name))

    def reach(self, offset: int) -> None:
        """Note the start of another record of the batch."""
        _OFFSET.pack_into(self._memory, _OFFSET_AT, offset)

    def end(self) -> None:
        """Note that no record is being processed."""
        self._memory[_TURNS.size] = 0

    @property
    def work(self) -> Work | None:
        """What is being processed, if anything."""
        start = _TURNS.size
        is_working, partition, offset, first, last, length = _WORK.unpack_from(self._memory, start)
        if not is_working:
            return None
        name = bytes(self._memory[start + _WORK.size : start + _WORK.size + length])
        return Work(name.decode(), partition, offset, first, last)


def map_position(folder: Path) -> mmap.mmap:
    """Map the position file of a folder, creating it if missing."""
    with (folder / POSITION_FILE).open("a+b") as file:
        file.truncate(POSITION_BYTES)
        return mmap.mmap(file.fileno(), POSITION_BYTES)


def read_strikes(path: Path) -> list[dict[str, Any]]:
    """What stopped the process before: for each record its position, its batch, and how often (`count`)."""
    if not path.exists():
        return []
    strikes: list[dict[str, Any]] = json.loads(path.read_bytes())
    return strikes


def write_strikes(path: Path, strikes: list[dict[str, Any]]) -> None:
    """Make them durable atomically."""
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(json.dumps(strikes).encode())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def strike(path: Path, work: Work) -> int:
    """Count that a record has stopped the process again, and return the new count."""
    try:
        strikes = read_strikes(path)
    except ValueError:
        strikes = []  # damaged: start over
    place = (work.topic, work.partition, work.offset)
    for known in strikes:
        if (known["topic"], known["partition"], known["offset"]) == place:
            break
    else:
        known = {**work._asdict(), "count": 0}
        strikes.append(known)
    known["count"] += 1
    write_strikes(path, strikes)
    count: int = known["count"]
    return count


def watch(folder: Path, pid: int, limit: float) -> None:
    """Watch a process until it closes our standard input; end it if it is stuck for so many seconds."""
    position = Position(map_position(folder))
    turns, missed = position.turns, 0
    while not _released(limit / SPARE / CHECKS):
        # This counts checks, not seconds: a machine that slept or a process stopped by a signal is not stuck.
        if position.turns != turns or _is_stopped(pid):
            turns, missed = position.turns, 0
            continue
        missed += 1
        if missed == CHECKS:
            _end(folder, pid, position.work, limit)
            return


def _end(folder: Path, pid: int, work: Work | None, limit: float) -> None:
    line = f"nothing else ran for {limit:g} s"
    if work is not None:
        try:
            count = strike(folder / STRIKES_FILE, work)
        except OSError as error:
            what_next = f"which could not be written down ({error}); start it again"
        else:
            is_last = count >= MOST_STRIKES
            what_next = (
                "the next start leaves it out, as unprocessable"
                if is_last
                else f"strike {count} of {MOST_STRIKES}; start it again"
            )
        shown = work.offset % GENERATION
        line = (
            f"stuck for {limit:g} s on the record of {work.topic}, partition {work.partition}, "
            f"offset {shown}: {what_next}"
        )
    sys.stderr.write(f"stream-app: {line}{_place(folder, pid)}\n")
    sys.stderr.flush()
    os.kill(pid, END_WITH_5)
    if not _released(END_SECONDS):
        os.kill(pid, signal.SIGKILL)


def _released(seconds: float) -> bool:
    """Whether the watched process closes its end within so many seconds."""
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable)


def _is_stopped(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # not Linux
        return False
    return status.rpartition(")")[2].split()[0] in ("T", "t")


def _place(folder: Path, pid: int) -> str:
    """Where in the program the process is, as written by `faulthandler` on a signal."""
    os.kill(pid, TELL_PLACE)
    deadline = time.monotonic() + PLACE_SECONDS
    place = folder / PLACE_FILE
    while place.exists() and time.monotonic() < deadline:
        lines = place.read_text(errors="replace").splitlines(keepends=True)
        if len(lines) > 1 and lines[1].endswith("\n"):  # it is written piece by piece
            return f" ({lines[1].strip()})"
        time.sleep(POLL_SECONDS)
    return ""


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.SIG_IGN
        )  # for example from the terminal: it ends with the process that it watches
    watch(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
