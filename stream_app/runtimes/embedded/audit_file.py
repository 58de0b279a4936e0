"""The audit log of a data folder: a file of JSON lines that is only ever added to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from stream_app.errors import StateError
from stream_app.schemas.audit import AuditEntry

FILE_NAME = "audit.jsonl"
FILE_MODE = 0o600


def audit_path(folder: Path, configured: Path | None) -> Path:
    """Where the acts on a folder are logged: in it, unless the settings name another file."""
    return configured if configured is not None else folder / FILE_NAME


class AuditFile:
    """Entries in the order in which they were written; each is on the disk before `write` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries.

        Raises:
            StateError: they cannot be written; what they tell of must not be done.
        """
        if not entries:
            return
        lines = b"".join(entry.encode() + b"\n" for entry in entries)
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, FILE_MODE)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                if not _ends_a_line(file.fileno()):
                    lines = b"\n" + lines  # a crash cut the last one short
                file.write(lines)
                os.fsync(file.fileno())
        except OSError as error:
            raise StateError(f"the audit log {self.path} cannot be written: {error}") from error

    def read(self) -> tuple[list[AuditEntry], int]:
        """All entries, and how many lines are none; nothing where there is no file.

        Raises:
            StateError: the file cannot be read.
        """
        try:
            lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        except OSError as error:
            raise StateError(f"the audit log {self.path} cannot be read: {error}") from error
        return parse_entries(lines)


def parse_entries(lines: Sequence[bytes]) -> tuple[list[AuditEntry], int]:
    """The entries among lines of JSON, and how many lines are none."""
    entries: list[AuditEntry] = []
    damaged = 0
    for line in lines:
        try:
            entries.append(AuditEntry.model_validate_json(line))
        except ValidationError:
            damaged += 1
    return entries, damaged


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
