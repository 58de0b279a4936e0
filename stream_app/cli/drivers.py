"""`drivers`: what is associated with retention and engagement, as rates with counts and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import StateError
from stream_app.evaluation.driver_outcome import Outcome

if TYPE_CHECKING:
    from stream_app.models.insight.drivers import Driver
    from stream_app.models.judging.intervals import Rate


def drivers(
    data_dir: DataDir = Path("data"),
    outcome: Annotated[Outcome | None, typer.Option(help="One outcome alone.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows of each table.")] = 8,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Show what is associated with retention and engagement, in all and by system, browser, plan, page.

    Most certain effects first: the share among users with a trait minus the share among those without. An
    association need not be a cause.
    """
    from stream_app.folder.drivers import describe_drivers, find_drivers
    from stream_app.models.insight.drivers import overall_rate
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    tier_targets = load_settings(flags or ()).tier_targets
    with Store(data_dir, read_only=True) as store:
        found = find_drivers(store, [outcome] if outcome else list(Outcome), top, tier_targets)
    if not found:
        raise StateError(f"{data_dir} knows of no user whether they came back or how engaged they are yet")
    if as_json:
        encoded = {one.value: describe_drivers(*known) for one, known in found.items()}
        console.file.write(orjson.dumps(encoded).decode() + "\n")
        return
    for one, (known, report) in found.items():
        overall = overall_rate(known.cases)
        console.print(
            f"\n[bold]{one.value.capitalize()}[/]: {known.meaning}. "
            f"{_rate(overall)} of {overall.total:,} users",
            highlight=False,
        )
        for dimension, drivers_found in report.items():
            if drivers_found:
                console.print(_table(dimension, drivers_found))


def _rate(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.share:.1%} ({low:.1%} to {high:.1%})"


def _table(dimension: str, found: Sequence[Driver]) -> Table:
    table = Table(
        title=f"by {dimension}" if dimension != "overall" else dimension,
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("users who have", overflow="fold")
    table.add_column("users", justify="right")
    table.add_column("share, 95 % interval", justify="right")
    table.add_column("others", justify="right")
    table.add_column("difference, 95 % interval", justify="right")
    for driver in found:
        low, high = driver.effect_interval
        table.add_row(
            escape(driver.name),
            f"{driver.inside.total:,}",
            _rate(driver.inside),
            f"{driver.outside.share:.1%}",
            f"{driver.effect:+.1%} ({low:+.1%} to {high:+.1%})",
            style="" if driver.sure_effect else "dim",
        )
    return table
