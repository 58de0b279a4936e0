"""`evaluate outcomes`: who returns, leaves and buys, predicted on simulated events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, console, messages

if TYPE_CHECKING:
    pass


def evaluate_outcomes(
    data: Annotated[Path, typer.Option(help="A folder written by `stream-app simulate`.")],
    horizon: Annotated[int, typer.Option(help="Days ahead: one of the simulation's horizons.")] = 7,
    day: Annotated[
        int | None,
        typer.Option(help="Predict outcomes from the start of this day, from 1; default: the last."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides the models' chance.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Learn from due outcomes and predict the days after, compared with the hidden truth's probabilities."""
    from stream_app.evaluation.outcomes import evaluate_outcomes as judge_outcomes

    with messages.status("replaying events"):
        report = judge_outcomes(data, horizon, day, seed)
    if as_json:
        console.file.write(orjson.dumps(report).decode() + "\n")
        return
    at = datetime.fromtimestamp(report["at"], UTC)
    table = Table(
        title=f"{report['users']:,} users, {horizon} days from {at:%Y-%m-%d}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in ("", "ROC AUC", "of the truth", "gap", "rate", "examples"):
        table.add_column(column, justify="right" if column else "left")
    for name, figures in report["targets"].items():
        auc, truth_auc = figures["auc"], figures["truth_auc"]
        cells = (f"{auc:.3f}", f"{truth_auc:.3f}", f"{truth_auc - auc:+.3f}", f"{figures['rate']:.3f}")
        table.add_row(name, *cells, f"{figures['examples']:,}")
    console.print(table)
