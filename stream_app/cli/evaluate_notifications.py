"""`evaluate notifications`: plans judged against simulated people who answer back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.campaigns import read_campaign_file
from stream_app.cli.options import AsJson, console, messages
from stream_app.errors import SettingsError


def evaluate_notifications(
    users: Annotated[int, typer.Option(help="How many people.")] = 2_000,
    days: Annotated[int, typer.Option(help="How many days they are notified.")] = 42,
    seed: Annotated[int, typer.Option(help="Decides who they are, how they answer, and all chance.")] = 1,
    campaign: Annotated[
        Path | None, typer.Option(help="A campaign file; by default the one that comes with the product.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Notify the same simulated people by five policies and compare what comes of it.

    Ours learns; mapping follows the table of segments and types; best_hour sends when each user opened most;
    random draws; the oracle knows every hidden habit. All keep the same caps and quiet hours.
    """
    from stream_app.evaluation.notifications.loop import approved
    from stream_app.evaluation.notifications.report import judge

    for name, value, most in (("users", users, 100_000), ("days", days, 730)):
        if not 1 <= value <= most:
            raise SettingsError(f"--{name} is {value}: write a whole number from 1 to {most:,}")
    if seed < 0:
        raise SettingsError(f"--seed is {seed}: write a whole number from 0")
    chosen = None if campaign is None else approved(read_campaign_file(campaign))
    with messages.status("notifying people") as status:
        report = judge(
            users,
            days,
            seed,
            chosen,
            lambda name, day: status.update(f"notifying people: {name}, day {day} of {days}"),
        )
    if as_json:
        console.file.write(orjson.dumps(report).decode() + "\n")
        return
    console.print(_table(report))
    broken = {name: count for name, count in report["violations"].items() if count}
    console.print(
        f"Captured of the oracle: {report['captured_of_oracle']:.1%}. "
        + (f"Rules broken: {broken}." if broken else "No rule was broken."),
        highlight=False,
    )
    if report["off_policy"]:
        console.print(_estimates(report["off_policy"]))


def _table(report: dict[str, Any]) -> Table:
    table = Table(
        title=f"{report['users']:,} people, {report['days']} days, seed {report['seed']}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("policy", no_wrap=True)
    for column in ("sends", "opens", "rate", "opt-outs", "returns", "buys", "reward"):
        table.add_column(column, justify="right")
    for name, figures in report["policies"].items():
        cells = [f"{figures[key]:,.0f}" for key in ("opt_outs", "returns", "purchases", "reward")]
        counts = [f"{figures[key]:,}" for key in ("sends", "opens")]
        style = "bold" if name == "ours" else ""
        table.add_row(name, *counts, f"{figures['open_rate']:.1%}", *cells, style=style)
    return table


def _estimates(found: dict[str, dict[str, float]]) -> Table:
    table = Table(
        title="Always choosing the type with the best score: open rate from logged probabilities alone",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("method")
    for column in ("estimate", "95 % from", "to", "truth"):
        table.add_column(column, justify="right")
    for method, figures in found.items():
        cells = [f"{figures[key]:.4f}" for key in ("estimate", "low", "high", "truth")]
        table.add_row(method, *cells)
    return table
