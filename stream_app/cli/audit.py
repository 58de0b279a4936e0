"""`audit`: erasures, exports, key changes and position resets, who did them and when."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from stream_app.cli.erase import FolderInstead
from stream_app.cli.options import AsJson, SetOption, console, messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stream_app.schemas.audit import AuditEntry
    from stream_app.settings.environment import Settings


def audit(data_dir: FolderInstead = None, as_json: AsJson = False, flags: SetOption = None) -> None:
    """Print who erased, exported, changed a key or reset positions, and when.

    The oldest entry comes first. Users are named by keyed hashes alone.
    """
    from stream_app.settings.loading import load_settings

    entries, damaged = read_audit(data_dir, load_settings(flags or ()))
    if as_json:
        for entry in entries:
            sys.stdout.buffer.write(entry.encode() + b"\n")
    else:
        _print(entries)
    if damaged:
        messages.print(f"{damaged} entries cannot be read and are left out", highlight=False)


def read_audit(data_dir: Path | None, settings: Settings) -> tuple[list[AuditEntry], int]:
    """The audit log of a data folder, or that on Kafka, and how many entries cannot be read."""
    import asyncio

    if data_dir is not None:
        from stream_app.folder.opening import open_audit

        return open_audit(data_dir, settings).read()
    from stream_app.runtimes.kafka.operate.audit import read_entries

    return asyncio.run(read_entries(settings))


def _print(entries: Sequence[AuditEntry]) -> None:
    table = Table("when", "what", "by", "whose data", "details", box=box.SIMPLE_HEAD)
    for entry in entries:
        details = [f"{name} {value}" for name, value in entry.details.items()]
        if entry.until is not None:
            details.append(f"events until {entry.until:%Y-%m-%d %H:%M:%S}")
        if entry.request_id is not None:
            details.append(f"request {entry.request_id}")
        what = entry.act.replace("_", " ")
        table.add_row(
            f"{entry.at:%Y-%m-%d %H:%M:%S}", what, entry.actor, entry.subject or "", ", ".join(details)
        )
    console.print(table)
