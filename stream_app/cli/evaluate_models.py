"""`evaluate tiers` and `evaluate engagement`: the stream's models on historical tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, console, messages
from stream_app.errors import InputError, SettingsError

if TYPE_CHECKING:
    pass


Report = dict[str, Any]
Folds = Annotated[int, typer.Option(help="Parts of which each is held out once.")]
Seed = Annotated[int, typer.Option(help="Decides the folds and the models' chance.")]


def evaluate_tiers(
    users: Annotated[Path, typer.Option(help="Users with their tiers (marketing_target).")],
    sessions: Annotated[Path, typer.Option(help="Their sessions.")],
    folds: Folds = 5,
    repeats: Annotated[int, typer.Option(help="How often the users are dealt into folds.")] = 5,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Replay users as a stream, learn each fold's tiers as they come, judge the frozen model on the rest."""
    from stream_app.evaluation.examples import replay_marketing
    from stream_app.models.judging import evaluation

    _require(folds >= 2, "--folds", "a whole number from 2", folds)
    _require(repeats >= 1, "--repeats", "a whole number from 1", repeats)
    _require(seed >= 0, "--seed", "a whole number from 0", seed)
    with messages.status("replaying users and sessions"):
        known = replay_marketing(users, sessions)
    warn_of_refused(known.refused)
    labels = Counter(label for _, label in known.examples)
    if len(labels) < 2 or min(labels.values()) < folds:
        counts = ", ".join(f"{count} of tier {label}" for label, count in sorted(labels.items(), key=str))
        raise InputError(
            f"{users} has {counts or 'no tiers'}: {folds} folds need two tiers or more, of {folds} users each"
        )
    with messages.status(f"judging {folds} folds, {repeats} times"):
        report = evaluation.evaluate_tiers(known.examples, folds, repeats, seed)
    _print(report, _tier_table(report), as_json)


def evaluate_engagement(
    features: Annotated[Path, typer.Option(help="Features of courses, a row each.")],
    target: Annotated[Path, typer.Option(help="Their engagement scores, a row each.")],
    test_features: Annotated[Path | None, typer.Option(help="Features to judge with.")] = None,
    test_target: Annotated[Path | None, typer.Option(help="Their scores.")] = None,
    folds: Folds = 5,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Learn courses once in their order, judge the frozen model on test files or on held-out folds."""
    from stream_app.evaluation.examples import replay_courses
    from stream_app.models.judging import evaluation
    from stream_app.models.judging.example_table import ExampleTable

    _require(folds >= 2, "--folds", "a whole number from 2", folds)
    _require(seed >= 0, "--seed", "a whole number from 0", seed)
    if (test_features is None) != (test_target is None):
        raise SettingsError("name both --test-features and --test-target, or neither")
    with messages.status("reading courses"):
        examples = ExampleTable(replay_courses(features, target))
        tests = None
        if test_features is not None and test_target is not None:
            tests = ExampleTable(replay_courses(test_features, test_target))
    for table, courses, least in (
        (features, examples, 2 * folds if tests is None else 2),
        (test_features, tests, 2),
    ):
        if courses is not None and len(courses) < least:
            raise InputError(f"{table} has {len(courses)} courses: it takes {least} or more")
    with messages.status(f"learning {len(examples):,} courses"):
        report = evaluation.evaluate_engagement(examples, tests, folds, seed)
    _print(report, _engagement_table(report), as_json)


def warn_of_refused(refused: Counter[str]) -> None:
    """Report how many events of a table the core refused, and why."""
    for reason, count in sorted(refused.items()):
        messages.print(f"{count:,} events are left out: {reason}", style="yellow")


def _require(is_right: bool, option: str, wanted: str, given: int) -> None:
    if not is_right:
        raise SettingsError(f"{option}: write {wanted}, not {given}")


def _print(report: Report, table: Table, as_json: bool) -> None:
    if as_json:
        console.file.write(orjson.dumps(report).decode() + "\n")
    else:
        console.print(table)


def _tier_table(report: Report) -> Table:
    table = _table(
        f"Tiers of {report['examples']:,} users, {report['repeats']} x {report['folds']} folds",
        ("", "macro-F1", "weighted-F1"),
    )
    names = ("macro_f1", "weighted_f1")
    baselines = report["baselines"]
    for title, spread in (("held out", report["holdout"]), ("  batch forest", baselines["batch_forest"])):
        table.add_row(title, *(f"{spread[name]['mean']:.3f} ± {spread[name]['std']:.3f}" for name in names))
    for title, figures in (
        ("  majority", baselines["majority"]),
        ("prequential", report["prequential"]),
        ("  majority", report["prequential_baseline"]),
    ):
        table.add_row(title, *(f"{figures[name]:.3f}" for name in names))
    return table


def _engagement_table(report: Report) -> Table:
    table = _table(f"Engagement scores of {report['examples']:,} courses", ("", "R2", "MAE"))
    table.caption = f"{report['examples_per_second']:,.0f} examples/s, {report['peak_memory_mb']:,.0f} MB"
    for title, figures in (
        ("held out", report),
        ("  batch forest", report["baselines"]["batch_forest"]),
        ("  mean", report["baselines"]["mean"]),
        ("prequential", report["prequential"]),
    ):
        table.add_row(title, f"{figures['r2']:.3f}", f"{figures['mae']:.2f}")
    return table


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    return table
