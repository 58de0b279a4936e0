"""`erasures replay`: erasures made since a backup, done again after it was restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.erase import FolderInstead
from stream_app.cli.options import SetOption, console
from stream_app.errors import InputError, StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_app.schemas.audit import AuditEntry

erasures_app = typer.Typer(
    help="Users who were erased.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@erasures_app.callback()
def _erasures() -> None:
    """Users who were erased."""


@erasures_app.command("replay")
def replay(
    data_dir: FolderInstead = None,
    log: Annotated[
        Path | None,
        typer.Option("--from", help="An audit log in JSON lines; else that of the folder, or of Kafka."),
    ] = None,
    flags: SetOption = None,
) -> None:
    """Do erasures again that the audit log tells of and restored rows do not know.

    On Kafka the workers do them, as soon as they run.
    """
    import asyncio

    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    entries = _read(log) if log is not None else None
    if data_dir is None:
        from stream_app.runtimes.kafka.operate.erased_before import erase_again

        count = asyncio.run(erase_again(settings, entries))
        console.print(f"{count:,} erasures sent to the workers", highlight=False)
        return
    from stream_app.folder.erased_before import catch_up
    from stream_app.folder.erased_before import erase_again as erase_from_folder
    from stream_app.folder.opening import open_as_it_is, open_audit
    from stream_app.observability.metrics import Metrics
    from stream_app.runtimes.embedded.output_table import FILE_NAME

    if not (data_dir / FILE_NAME).exists():
        raise StateError(f"{data_dir} holds no data: name the folder that was restored")
    with open_as_it_is(data_dir, settings, Metrics()) as (store, _, filled):
        if entries is None:
            done = catch_up(open_audit(data_dir, settings).read()[0], store, filled)
        else:
            done = erase_from_folder(entries, store, filled)
    told = f"{done.erasures:,} erasures done again; {done.user_keys:,} user keys were held"
    console.print(told, highlight=False)


def _read(log: Path) -> Sequence[AuditEntry]:
    from stream_app.runtimes.embedded.audit_file import AuditFile

    if not log.is_file():
        raise InputError(f"{log} does not exist: `stream-app audit --json` writes such a log")
    entries, damaged = AuditFile(log).read()
    if damaged:
        raise InputError(f"{damaged} lines of {log} are no entries of an audit log")
    return entries
