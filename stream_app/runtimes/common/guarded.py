"""A guarded process: if it is stuck, whatever in, it is ended in time with an exit code that says so.

The guard (`observability/guard.py`) is a separate process. It cannot set this one's exit code, and Python's
signal handlers do not run while a call holds the interpreter. So the C library's `_exit` is installed as a
signal handler: it is called with the signal's number, and that of SIGTRAP is 5.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_app.errors import StalledError, StateError
from stream_app.observability import guard
from stream_app.observability.guard import Position

log = logging.getLogger(__name__)

TURNS_PER_CHECK = 3


@contextmanager
def guarded(folder: Path, limit: float) -> Iterator[Position]:
    """End this process with exit code 5 if the running loop is blocked for `limit` seconds.

    What was last written to the yielded position is then reported. The guard's files are in `folder`.

    Raises:
        StateError: the folder cannot be written.
    """
    _exit_at_signal()
    try:
        position = Position(guard.map_position(folder))
        place = (folder / guard.PLACE_FILE).open("w")
    except OSError as error:
        raise StateError(f"{folder} cannot be written: {error}") from error
    position.end()
    with place:
        faulthandler.register(guard.TELL_PLACE, file=place, all_threads=False)
        watch = _Watch(folder, limit, position)
        try:
            yield position
        finally:
            watch.stop()
            faulthandler.unregister(guard.TELL_PLACE)


class _Watch:
    """The guard's process, and the loop's heartbeats."""

    def __init__(self, folder: Path, limit: float, position: Position) -> None:
        self._folder = folder
        self._limit = limit
        self._position = position
        self._loop = asyncio.get_running_loop()
        self._process = self._start()
        self._pause = limit / guard.SPARE / guard.CHECKS / TURNS_PER_CHECK
        self._turn()

    def stop(self) -> None:
        """Dismiss the guard."""
        self._next_turn.cancel()
        self._process.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = [str(self._folder), str(os.getpid()), str(self._limit)]
        command = [sys.executable, "-I", "-S", guard.__file__, *arguments]
        return subprocess.Popen(command, stdin=subprocess.PIPE)

    def _turn(self) -> None:
        self._position.turn()
        if self._process.poll() is not None:
            log.warning("the guard of this process has ended and is started again")
            self._process = self._start()
        self._next_turn = self._loop.call_later(self._pause, self._turn)


def _exit_at_signal() -> None:
    assert StalledError.exit_code == guard.END_WITH_5
    library = ctypes.CDLL(None)
    library.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    library.signal.restype = ctypes.c_void_p
    library.signal(signal.SIGTRAP, ctypes.cast(library._exit, ctypes.c_void_p))
