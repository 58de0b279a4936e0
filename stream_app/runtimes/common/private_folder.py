"""Folders with personal data, readable only by their owner, like the key next to them."""

from __future__ import annotations

import os
from pathlib import Path

LOCK_FILE = "lock"
FOLDER_MODE, FILE_MODE = 0o700, 0o600
OTHERS = 0o077


def make_private(folder: Path) -> None:
    """Make a folder where there is none, and for its owner alone, as all that this process makes from now on.

    A folder that was there and is not ours (it holds other things, and no lock) keeps its own mode. Where an
    older program made one, its modes are put right.

    Raises:
        OSError: it cannot be made.
    """
    os.umask(os.umask(0) | OTHERS)
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    is_ours = (folder / LOCK_FILE).exists() or not any(folder.iterdir())
    if is_ours and folder.stat().st_mode & OTHERS:
        for parent, _, names in os.walk(folder):
            os.chmod(parent, FOLDER_MODE)
            for name in names:
                os.chmod(Path(parent) / name, FILE_MODE)
