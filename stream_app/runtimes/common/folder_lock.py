"""A folder that one process at a time may write to."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO

from stream_app.errors import FolderInUseError, StateError
from stream_app.runtimes.common.private_folder import LOCK_FILE


def lock_folder(folder: Path) -> TextIO:
    """Hold an existing folder until the returned file is closed, or the process ends.

    Raises:
        FolderInUseError: another process holds it.
        StateError: it cannot be written.
    """
    try:
        lock = (folder / LOCK_FILE).open("w")
    except OSError as error:
        raise StateError(f"{folder} cannot be written: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise FolderInUseError(
            f"{folder} is in use by another process: wait for it, or name another"
        ) from None
    return lock
