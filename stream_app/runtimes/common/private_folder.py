"""Folders with personal data, readable only by their owner, like the key beside them."""

from __future__ import annotations

import os
from pathlib import Path

LOCK_FILE = "lock"
FOLDER_MODE, FILE_MODE = 0o700, 0o600
OTHERS = 0o077


def make_private(folder: Path) -> None:
    """Create a folder if missing. It, and all that this process creates from now on, is its owner's alone.

    An existing folder that is not ours (it has other content and no lock) keeps its mode. The modes of a
    folder made by an older version are corrected.

    Raises:
        OSError: it cannot be created.
    """
    os.umask(os.umask(0) | OTHERS)
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    is_ours = (folder / LOCK_FILE).exists() or not any(folder.iterdir())
    if is_ours and folder.stat().st_mode & OTHERS:
        for parent, _, names in os.walk(folder):
            os.chmod(parent, FOLDER_MODE)
            for name in names:
                os.chmod(Path(parent) / name, FILE_MODE)
