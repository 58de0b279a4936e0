"""`evaluate`: the models, evaluated on unseen data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.evaluate_models import evaluate_engagement, evaluate_tiers
from stream_app.cli.evaluate_notifications import evaluate_notifications
from stream_app.cli.evaluate_oracle import evaluate_oracle
from stream_app.cli.evaluate_outcomes import evaluate_outcomes
from stream_app.cli.options import AsJson, console, messages
from stream_app.errors import InputError, SettingsError

if TYPE_CHECKING:
    from stream_app.models.judging.recommendation_evaluation import (
        EvaluationReport,
        Scores,
    )


evaluate_app = typer.Typer(
    help="Evaluate the models on your own data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
evaluate_app.command("tiers")(evaluate_tiers)
evaluate_app.command("engagement")(evaluate_engagement)
evaluate_app.command("notifications")(evaluate_notifications)
evaluate_app.command("oracle")(evaluate_oracle)
evaluate_app.command("outcomes")(evaluate_outcomes)

T = TypeVar("T")


@evaluate_app.command("recommendations")
def evaluate_recommendations(
    train: Annotated[Path, typer.Option(help="Clicks to learn: SessionId, ItemId, Time, tab-separated.")],
    test: Annotated[Path, typer.Option(help="Clicks to predict, in the same format.")],
    positions: Annotated[
        Path | None, typer.Option(help="Only these positions: SessionId;Position, counted from 1.")
    ] = None,
    count: Annotated[int, typer.Option("-k", help="How many items are recommended.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Predict each next click of the test sessions: hit rate and reciprocal rank of every source."""
    from stream_app.intake.sources.session_clicks import read_positions, read_session_clicks
    from stream_app.models.judging.recommendation_evaluation import evaluate_sessions

    if count < 1:
        raise SettingsError(f"-k is how many items to recommend: write a whole number from 1, not {count}")
    learned, asked = _read(read_session_clicks, train), _read(read_session_clicks, test)
    chosen = None if positions is None else _read(read_positions, positions)
    with messages.status(f"learning {len(learned):,} sessions, foreseeing {len(asked):,}"):
        try:
            report = evaluate_sessions(learned, asked, count, chosen)
        except ValueError as error:
            raise InputError(str(error)) from None
    if as_json:
        console.file.write(orjson.dumps(report).decode() + "\n")
    else:
        _print_recommendations(report)


def _read(read: Callable[[Path], T], path: Path) -> T:
    try:
        return read(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text in UTF-8") from None
    except ValueError as error:
        raise InputError(str(error)) from None


def _print_recommendations(report: EvaluationReport) -> None:
    console.print(_ranking("Frozen: nothing of the test sessions is learned", report["frozen"]))
    console.print(_ranking("Prequential: each session is learned once it has ended", report["prequential"]))
    query, update = report["query_us"], report["update_us"]
    console.print(
        f"{report['positions']:,} positions. CPU time of a query {query['p50']:,.0f} µs at the median, "
        f"{query['p99']:,.0f} µs at the 99th percentile; of an update {update['p50']:,.1f} and "
        f"{update['p99']:,.1f} µs a click. Memory {report['memory_mb']:,.0f} MB.",
        highlight=False,
    )


def _ranking(title: str, scores: Scores) -> Table:
    """Sources by hit rate at the last cutoff, the best first."""
    measures = [measure for measure in scores["blend"] if "@" in measure]
    measures.sort(key=lambda measure: measure.split("@")[0])
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("source")
    for measure in measures:
        table.add_column(measure.upper(), justify="right")
    last_hit_rate = [measure for measure in measures if measure.startswith("hr")][-1]
    for source, found in sorted(scores.items(), key=lambda entry: -entry[1][last_hit_rate]):
        figures = [f"{found[measure]:.4f}" for measure in measures]
        table.add_row(source, *figures, style="bold" if source == "blend" else "")
    return table
