"""Events as they arrive, for whoever looks on: through named pipes, so that nothing of them stays on disk.

A data folder keeps no events. An onlooker opens a pipe in the folder, and the process that fills the folder
writes into every pipe that is read. Whoever reads too slowly misses events; the collector never waits.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from stream_app.errors import StateError

FOLDER_NAME = "onlookers"
MOST_WAITING = 1024 * 1024  # bytes kept for an onlooker who reads slowly
READ_BYTES = 64 * 1024


class Onlookers:
    """The writing side, for the process that fills the folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER_NAME
        self._pipes: dict[Path, _Pipe] = {}

    def show(self, values: Sequence[bytes]) -> None:
        """Pass events on, each without a line break, to all who look on."""
        waiting = self._waiting()
        for path in self._pipes.keys() - waiting:
            self._pipes.pop(path).close()
        for path in waiting:
            if path not in self._pipes:
                pipe = _Pipe.opened(path)
                if pipe is None:
                    continue
                self._pipes[path] = pipe
            self._pipes[path].put(values)
        self.flush()

    def flush(self) -> None:
        """Write what could not be written at once, and forget who has left."""
        self._pipes = {path: pipe for path, pipe in self._pipes.items() if pipe.write()}

    def _waiting(self) -> list[Path]:
        try:
            return [path for path in self._folder.iterdir() if path.is_fifo()]
        except FileNotFoundError:
            return []


class _Pipe:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = bytearray()

    @classmethod
    def opened(cls, path: Path) -> _Pipe | None:
        try:
            return cls(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
        except OSError:  # nobody reads: whoever did was killed
            path.unlink(missing_ok=True)
            return None

    def put(self, values: Sequence[bytes]) -> None:
        for value in values:
            if len(self._waiting) + len(value) < MOST_WAITING:
                self._waiting += value
                self._waiting += b"\n"

    def write(self) -> bool:
        """Write what fits, and return whether anybody still reads."""
        try:
            while self._waiting:
                del self._waiting[: os.write(self._descriptor, self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        os.close(self._descriptor)


@contextmanager
def looking_on(data_dir: Path) -> Iterator[int]:
    """A descriptor to read arriving events from, until the block ends.

    Raises:
        StateError: the folder cannot be written.
    """
    folder = data_dir / FOLDER_NAME
    path = folder / uuid4().hex
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        os.mkfifo(path, 0o600)
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        writing = os.open(path, os.O_WRONLY)  # so that the pipe has no end between two writers
    except OSError as error:
        raise StateError(f"{folder} cannot be used to look on: {error}") from error
    try:
        yield reading
    finally:
        path.unlink(missing_ok=True)
        os.close(reading)
        os.close(writing)
        with suppress(OSError):  # others look on
            folder.rmdir()


def arriving(reading: int, seconds: float) -> Iterator[list[bytes]]:
    """Events as they come, as lists; an empty one where none came for some seconds. Never ends."""
    begun = b""
    while True:
        ready, _, _ = select.select([reading], [], [], seconds)
        *values, begun = (begun + os.read(reading, READ_BYTES)).split(b"\n") if ready else [begun]
        yield values
