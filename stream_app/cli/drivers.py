"""`drivers`: what goes with retention and engagement, as rates with counts and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import StateError
from stream_app.evaluation.driver_outcome import Outcome

if TYPE_CHECKING:
    from stream_app.evaluation.driver_cases import Cases
    from stream_app.models.insight.drivers import Driver
    from stream_app.models.judging.intervals import Rate


def drivers(
    data_dir: DataDir = Path("data"),
    outcome: Annotated[Outcome | None, typer.Option(help="One outcome alone.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows of each table.")] = 8,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Show what goes with retention and engagement, overall and by system, browser, plan and page.

    Surest effects first: the share among those who have a trait less the share among those who have not.
    It need not be a cause.
    """
    from stream_app.evaluation.driver_cases import collect_cases
    from stream_app.models.insight.drivers import overall_rate
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    tier_targets = load_settings(flags or ()).tier_targets
    asked = [outcome] if outcome else list(Outcome)
    with Store(data_dir, read_only=True) as store:
        gathered = {one: collect_cases(store, one, tier_targets) for one in asked}
    if not any(known.cases for known in gathered.values()):
        raise StateError(f"{data_dir} knows of no user whether they came back or how engaged they are yet")
    reports = {one: _report(known, top) for one, known in gathered.items() if known.cases}
    if as_json:
        encoded = {one.value: _as_json(gathered[one], report) for one, report in reports.items()}
        console.file.write(orjson.dumps(encoded).decode() + "\n")
        return
    for one, report in reports.items():
        overall = overall_rate(gathered[one].cases)
        console.print(
            f"\n[bold]{one.value.capitalize()}[/]: {gathered[one].meaning}. "
            f"{_rate(overall)} of {overall.total:,} users",
            highlight=False,
        )
        for dimension, found in report.items():
            if found:
                console.print(_table(dimension, found))


def _report(known: Cases, top: int) -> dict[str, list[Driver]]:
    from stream_app.evaluation.driver_cases import DIMENSIONS
    from stream_app.models.insight.drivers import feature_drivers, group_drivers

    report = {"overall": feature_drivers(known.cases)[:top]}
    return report | {dimension: group_drivers(known.cases, dimension)[:top] for dimension in DIMENSIONS}


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


def _as_json(known: Cases, report: dict[str, list[Driver]]) -> dict[str, Any]:
    from stream_app.models.insight.drivers import overall_rate

    return {
        "meaning": known.meaning,
        "rate": _rate_json(overall_rate(known.cases)),
        "drivers": {
            dimension: [
                {
                    "name": driver.name,
                    "inside": _rate_json(driver.inside),
                    "outside": _rate_json(driver.outside),
                    "effect": driver.effect,
                    "effect_interval": driver.effect_interval,
                }
                for driver in found
            ]
            for dimension, found in report.items()
        },
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {"hits": rate.hits, "total": rate.total, "share": rate.share, "interval": rate.interval}
