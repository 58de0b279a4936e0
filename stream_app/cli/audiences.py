"""`audiences`: who would be in audiences of a company's own, and who is."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import InputError, SettingsError

if TYPE_CHECKING:
    from stream_app.definitions.file import Definitions

audiences_app = typer.Typer(
    help="Audiences of your own: preview them, list them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
File = Annotated[Path, typer.Argument(help="The file of definitions, in TOML.", show_default=False)]
Events = Annotated[list[str], typer.Argument(help="Events in JSON lines, as replay reads them.")]
Name = Annotated[str, typer.Argument(help="The audience.", show_default=False)]


@audiences_app.callback()
def _gather() -> None:
    """Audiences of your own: preview them, list them."""


@audiences_app.command("preview")
def preview(file: File, events: Events, as_json: AsJson = False, flags: SetOption = None) -> None:
    """Count who would have entered and left each audience, week by week, and be in it at the end."""
    from stream_app.evaluation.audiences import preview_audiences
    from stream_app.intake.sources.event_files import open_events
    from stream_app.settings.loading import load_settings

    settings = load_settings([*(flags or ()), f"definitions={file}"])
    values = (value for source in open_events(events) for value, _ in source.records(0))
    users, found = preview_audiences(values, settings.rules)
    if as_json:
        answer = {"users": users, "audiences": [each._asdict() for each in found]}
        console.file.write(orjson.dumps(answer).decode() + "\n")
        return
    table = Table("audience", "members", "week of", "entered", "left", box=box.SIMPLE_HEAD)
    for each in found:
        table.add_row(each.name, f"{each.members:,} of {users:,}")
        for week in sorted(set(chain(each.entered, each.left))):
            table.add_row("", "", week, f"{each.entered.get(week, 0):,}", f"{each.left.get(week, 0):,}")
    console.print(table)


@audiences_app.command("list")
def list_audiences(
    data_dir: DataDir = Path("data"), as_json: AsJson = False, flags: SetOption = None
) -> None:
    """List the audiences (STREAM_APP_DEFINITIONS), and how many users of a data folder are in each."""
    from stream_app.folder.audiences import audience_sizes
    from stream_app.runtimes.embedded.store import Store

    definitions = _declared(flags)
    with Store(data_dir, read_only=True) as store:
        sizes = audience_sizes(store, definitions)
    if as_json:
        console.file.write(orjson.dumps(sizes).decode() + "\n")
        return
    table = Table("audience", "who they are", "members", box=box.SIMPLE_HEAD)
    for audience in definitions.audiences:
        table.add_row(audience.name, audience.about, f"{sizes[audience.name]:,}")
    console.print(table)


@audiences_app.command("members")
def members(
    name: Name,
    data_dir: DataDir = Path("data"),
    after: Annotated[str, typer.Option(help="Begin behind this user: the last of the page before.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Print the members of an audience in the order of their keys, and since when they are in it."""
    from stream_app.folder.audiences import members_of
    from stream_app.runtimes.embedded.store import Store

    definitions = _declared(flags)
    known = [audience.name for audience in definitions.audiences]
    if name not in known:
        raise InputError(f"there is no audience {name}; there are: {', '.join(known)}")
    with Store(data_dir, read_only=True) as store:
        found = list(islice(members_of(store, name, definitions, after), limit))
    for member in found:
        since = datetime.fromtimestamp(member.since, UTC).isoformat()
        if as_json:
            line = orjson.dumps({"user_key": member.user_key, "since": since}).decode()
        else:
            line = f"{member.user_key} since {since}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _declared(flags: list[str] | None) -> Definitions:
    from stream_app.settings.loading import load_settings

    definitions = load_settings(flags or ()).loaded_definitions
    if not definitions.audiences:
        raise SettingsError("no audience is declared: set STREAM_APP_DEFINITIONS to a file that declares one")
    return definitions
