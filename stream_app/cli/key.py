"""`key`: which snapshot keys were used, and another one put in the place of the present."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.erase import FolderInstead
from stream_app.cli.options import AsJson, SetOption, console
from stream_app.errors import SettingsError, StateError

if TYPE_CHECKING:
    from pathlib import Path

    from stream_app.runtimes.common.key_history import KeyHistory
    from stream_app.settings.environment import Settings

key_app = typer.Typer(
    help="The key that signs models and by which erased users are known.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@key_app.command("show")
def show(data_dir: FolderInstead = None, as_json: AsJson = False, flags: SetOption = None) -> None:
    """List the keys that were used, by their fingerprints, and until when each is needed."""
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    _print(_history(data_dir, settings), settings, as_json)


@key_app.command("rotate")
def rotate(data_dir: FolderInstead = None, as_json: AsJson = False, flags: SetOption = None) -> None:
    """Use another key from now on: a data folder's own is made anew, otherwise the settings name old and new.

    Models are signed anew. Users who were erased earlier stay known by the old key until that has expired.
    """
    import asyncio

    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    if data_dir is None or settings.snapshot_key is not None:
        _refuse_unchanged(_history(data_dir, settings), settings)
    if data_dir is None:
        from stream_app.runtimes.kafka.operate.keys import settle_keys

        asyncio.run(settle_keys(settings))
    else:
        _rotate_folder(data_dir, settings)
    _print(_history(data_dir, settings), settings, as_json)


def _rotate_folder(data_dir: Path, settings: Settings) -> None:
    from stream_app.folder.opening import open_replay
    from stream_app.observability.metrics import Metrics
    from stream_app.runtimes.embedded.folder_keys import replace_key

    with open_replay(data_dir, settings, Metrics()):
        pass  # the present key fits, and no other process fills the folder
    if settings.snapshot_key is None:
        replace_key(data_dir)
        with open_replay(data_dir, settings, Metrics()):
            pass


def _refuse_unchanged(history: KeyHistory, settings: Settings) -> None:
    from stream_app.runtimes.common.key_history import fingerprint_of

    if history and history[-1].fingerprint == fingerprint_of(settings.snapshot_keys[0]):
        raise SettingsError(
            "the key that is set is the one in use: set STREAM_APP_SNAPSHOT_KEY to a new one, and put "
            "the one in use at the beginning of STREAM_APP_EARLIER_SNAPSHOT_KEYS"
        )


def _history(data_dir: Path | None, settings: Settings) -> KeyHistory:
    import asyncio

    if data_dir is not None:
        from stream_app.folder.opening import key_history
        from stream_app.runtimes.embedded.output_table import FILE_NAME
        from stream_app.runtimes.embedded.store import Store

        if not (data_dir / FILE_NAME).exists():
            raise StateError(f"{data_dir} holds no data: name the folder that was replayed into")
        with Store(data_dir, read_only=True) as store:
            return key_history(store)
    from stream_app.runtimes.kafka.operate.keys import read_history
    from stream_app.runtimes.kafka.operate.topics import check_topics

    async def read() -> KeyHistory:
        await check_topics(settings)
        return await read_history(settings)

    return asyncio.run(read())


def _print(history: KeyHistory, settings: Settings, as_json: bool) -> None:
    from stream_app.runtimes.common.key_history import needed_until

    told = [
        {
            "fingerprint": use.fingerprint,
            "since": datetime.fromtimestamp(use.since, UTC).isoformat(timespec="seconds"),
            "needed_until": None if use.until is None else needed_until(use, settings.row_validity),
        }
        for use in history
    ]
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
        return
    table = Table("fingerprint", "in use since", "needed until", box=box.SIMPLE_HEAD)
    for use in told:
        table.add_row(use["fingerprint"], use["since"], use["needed_until"] or "it is replaced")
    console.print(table)
