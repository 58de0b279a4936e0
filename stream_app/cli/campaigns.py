"""`campaigns`: campaign files checked, imported from tables, and tried out on a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console, messages
from stream_app.errors import InputError

if TYPE_CHECKING:
    from stream_app.planning.campaigns import Campaign

campaigns_app = typer.Typer(
    help="Campaigns: files that say what may be sent to whom.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
CampaignFile = Annotated[Path, typer.Argument(metavar="FILE", help="A campaign file (TOML).")]


@campaigns_app.command("check")
def check(file: CampaignFile) -> None:
    """Say what is wrong with a campaign file, line by line; exit code 2 if anything is."""
    campaign = read_campaign_file(file)
    marketing = sum(kind.is_marketing for kind in campaign.types)
    console.print(
        f"{file}: {campaign.name!r} is right: {len(campaign.types)} types, {marketing} of them marketing; "
        f"it is {campaign.state}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@campaigns_app.command("schema")
def schema() -> None:
    """Print the JSON Schema of campaign files, for editors that check while you write."""
    from stream_app.planning.campaigns import Campaign

    console.file.write(orjson.dumps(Campaign.model_json_schema(), option=orjson.OPT_INDENT_2).decode() + "\n")


@campaigns_app.command("import")
def import_tables(
    mapping: Annotated[
        Path, typer.Option(help="CSV: a row for each segment, a column for each type, 1 or 0.")
    ],
    frequency: Annotated[Path, typer.Option(help="CSV: a row for each segment, notifications a week.")],
    out: Annotated[Path, typer.Option(help="The campaign file to write.")] = Path("campaign.toml"),
) -> None:
    """Make a campaign file of a table of segments and types, and say what did not fit."""
    from stream_app.planning.campaign_text import read_campaign, starter_text
    from stream_app.planning.table_import import TableError, turn_into_campaign

    if out.exists():
        raise InputError(f"{out} is there already: name another file with --out")
    try:
        imported = turn_into_campaign(_read(mapping), _read(frequency), read_campaign(starter_text()))
    except TableError as error:
        raise InputError(str(error)) from None
    try:
        out.write_text(imported.text, "utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from None
    for remark in imported.remarks:
        messages.print(remark, markup=False, highlight=False, soft_wrap=True)
    check(out)


@campaigns_app.command("plan")
def plan(
    file: CampaignFile,
    data_dir: DataDir = Path("data"),
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Try a campaign out: what it would plan for each user of a data folder as of its newest event.

    Nothing is stored or sent. With --json one object for each user, with the reasons.
    """
    from stream_app.folder.plans import people_of, plan_all, summarise
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    campaign, rules = read_campaign_file(file), load_settings(flags or ()).rules
    with Store(data_dir, read_only=True) as store:
        people, now = people_of(store)
    plans = list(plan_all(people, now, campaign, rules))
    if as_json:
        for each in plans:
            console.file.write(orjson.dumps(each).decode() + "\n")
        return
    console.print(_table(summarise(plans)))


def read_campaign_file(path: Path) -> Campaign:
    """The campaign of a file.

    Raises:
        InputError: it cannot be read, or is wrong; a line for each mistake.
    """
    from stream_app.planning.campaign_text import CampaignError, read_campaign

    try:
        return read_campaign(_read(path))
    except CampaignError as error:
        raise InputError("\n".join(f"{path}: {mistake}" for mistake in error.mistakes)) from None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text in UTF-8") from None


def _table(summary: dict[str, Any]) -> Table:
    table = Table(title=f"Plans for {summary['users']:,} users", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("planned, or why not", no_wrap=True)
    table.add_column("users", justify="right")
    for name, count in summary["planned"].items():
        table.add_row(name, f"{count:,}")
    table.add_section()
    for reason, count in summary["not_planned"].items():
        table.add_row(reason, f"{count:,}")
    return table
