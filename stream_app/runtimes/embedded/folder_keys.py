"""The key of a data folder: made at its first use, readable by its owner alone, and replaced on demand."""

from __future__ import annotations

import secrets
from pathlib import Path

from stream_app.errors import StateError

KEY_FILE = "snapshot.key"
KEY_BYTES = 32


def folder_keys(folder: Path, may_make: bool = True) -> tuple[bytes, ...]:
    """The key that signs a folder's models, and those that did earlier, the newest first.

    Where there is none it is made, if it may: a folder that was filled with one must not get another.

    Raises:
        StateError: the key is missing, or cannot be read or made.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            if not may_make:
                raise StateError(
                    f"{path} is missing: put back the key with which the folder was filled, from its "
                    "backup, or set STREAM_APP_SNAPSHOT_KEY to the key that was set then"
                )
            folder.mkdir(parents=True, exist_ok=True)
            _make(path)
        earlier = sorted(_earlier_numbers(folder), reverse=True)
        return (path.read_bytes(), *(_earlier(folder, number).read_bytes() for number in earlier))
    except OSError as error:
        raise StateError(f"{path} cannot be used as a key: {error}") from error


def replace_key(folder: Path) -> None:
    """Put a new key in the place of the folder's own, which is kept beside it.

    Raises:
        StateError: the keys cannot be read or written.
    """
    present = folder_keys(folder)[0]
    number = max(_earlier_numbers(folder), default=0) + 1
    try:
        _write(_earlier(folder, number), present)
        _make(folder / KEY_FILE)
    except OSError as error:
        raise StateError(f"the key of {folder} cannot be replaced: {error}") from error


def _make(path: Path) -> None:
    _write(path, secrets.token_bytes(KEY_BYTES))


def _write(path: Path, key: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(key)
    unfinished.replace(path)  # a key that a crash cut short would sign with nothing


def _earlier(folder: Path, number: int) -> Path:
    return folder / f"{KEY_FILE}.{number}"


def _earlier_numbers(folder: Path) -> list[int]:
    suffixes = (path.name.removeprefix(f"{KEY_FILE}.") for path in folder.glob(f"{KEY_FILE}.*"))
    return [int(suffix) for suffix in suffixes if suffix.isdecimal()]
