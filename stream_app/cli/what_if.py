"""`what-if`: the score that a data folder's model would give for different features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import InputError

if TYPE_CHECKING:
    from stream_app.folder.what_if import Question
    from stream_app.models.insight.what_if import WhatIf


DEFAULT_TARGET = "engagement_tier"


def what_if_command(
    data_dir: DataDir = Path("data"),
    user: Annotated[str | None, typer.Option(help="A user of the folder.")] = None,
    item: Annotated[str | None, typer.Option(help="Or an item whose engagement score is learned.")] = None,
    target: Annotated[str, typer.Option(help="What is asked of a user, such as purchase.")] = DEFAULT_TARGET,
    change: Annotated[
        list[str] | None, typer.Option(metavar="FEATURE=VALUE", help="A feature as it would be.")
    ] = None,
    control: Annotated[
        list[str] | None, typer.Option(metavar="FEATURE", help="A feature that you can control.")
    ] = None,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Show a user's or an item's score as it is and with changes, and which changes would help most.

    The score is the probability of tier 3 or of the target, or the engagement score predicted from an item's
    features. Values to try for what you can control are those that occur in the folder. Only an experiment
    can show whether bringing a change about has the effect.
    """
    from stream_app.folder.what_if import answer, ask_about_item, ask_about_user, describe
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    if (user is None) == (item is None):
        raise InputError("name either --user or --item")
    settings = load_settings(flags or ())
    with Store(data_dir, read_only=True) as store:
        if item is not None:
            question = ask_about_item(store, data_dir, item, settings)
        else:
            question = ask_about_user(store, data_dir, str(user), target, settings)
    found = answer(question, dict(map(_parse_change, change or ())), control or ())
    if as_json:
        encoded = {"subject": question.subject, "target": question.target} | describe(found)
        console.file.write(orjson.dumps(encoded).decode() + "\n")
        return
    _print(found, question, bool(change))


def _parse_change(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(
            f"--change {text}: write FEATURE=VALUE with a feature that the folder's examples have"
        )
    return name, value


def _number_named(target: str) -> str:
    """In words, what the score of a target is."""
    if target == DEFAULT_TARGET:
        return "probability of tier 3 (high)"
    if target == "engagement_score":
        return "percent of its starters who complete it"
    return f"probability of {target}"


def _print(answer: WhatIf, question: Question, is_changed: bool) -> None:
    after = f", with the changes {answer.score_after:.3f}" if is_changed else ""
    target = question.target
    named = f"{target} of {question.subject}: {answer.score:.3f}{after} ({_number_named(target)})"
    console.print(named, markup=False, highlight=False)
    if not answer.tried:
        return
    table = Table(title="What each control would do", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("change", "from", "to"):
        table.add_column(name, overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("gain", justify="right")
    for found in answer.tried:
        table.add_row(
            escape(found.feature),
            _text(found.before),
            _text(found.value),
            f"{found.score:.3f}",
            f"{found.gain:+.3f}",
        )
    console.print(table)
    best = answer.suggestions[0] if answer.suggestions else None
    helps = (
        f"{best.feature} = {_text(best.value)} would raise it most" if best else "none of them would raise it"
    )
    console.print(f"{helps}, as the model sees it.", markup=False, highlight=False)


def _text(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return escape(value) if isinstance(value, str) else f"{value:.4g}"
