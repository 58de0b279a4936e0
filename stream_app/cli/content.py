"""`content`: the engagement score of each item of a data folder, compared with what was observed."""

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
from stream_app.errors import InputError, StateError

if TYPE_CHECKING:
    from stream_app.models.content.model import ItemScore
    from stream_app.models.learning import Reason


def content(
    data_dir: DataDir = Path("data"),
    item: Annotated[list[str] | None, typer.Option(help="An item to show; all of them, if none.")] = None,
    top: Annotated[int, typer.Option(min=1, help="At most so many, the most started first.")] = 20,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Show how many of an item's starters complete it: the score, the expected and the observed share."""
    from stream_app.folder.folder_models import describe_score
    from stream_app.folder.model_loading import load_model
    from stream_app.models.content.model import ContentModel
    from stream_app.models.learning import Status
    from stream_app.models.targets import ENGAGEMENT
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    with Store(data_dir, read_only=True) as store:
        model = load_model(store, ENGAGEMENT.name, data_dir, load_settings(flags or ()))
    if not isinstance(model, ContentModel) or not len(model.items):
        raise StateError(f"{data_dir} knows of no item yet whether its starters completed it")
    known = model.items.all()
    unknown = [name for name in item or () if name not in known]
    if unknown:
        raise InputError(f"{data_dir} knows of no starter of {', '.join(unknown)}")
    shown = item or sorted(known, key=lambda name: (-known[name].starters, name))[:top]
    scores = model.scores_of(shown)
    if as_json:
        answer = {
            "items": len(known),
            "status": model.status,
            "scores": [{"item_id": score.item, **describe_score(score)} for score in scores],
        }
        console.file.write(orjson.dumps(answer).decode() + "\n")
        return
    console.print(_table(scores, len(known)))
    if model.status is Status.WARMING_UP:
        console.print(
            f"warming up: {model.examples_seen} examples of {model.minimum_examples}; until then what is "
            "expected is the mean of all items",
            highlight=False,
        )


def _table(scores: Sequence[ItemScore], items: int) -> Table:
    title = f"Percent of starters who complete, with 95 % intervals: {len(scores):,} of {items:,} items"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("item", overflow="fold")
    for name in ("score", "expected", "starters", "observed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what counts most, in points", overflow="fold")
    for score in scores:
        low, high = score.interval
        observed = 100 * score.completers / score.starters
        table.add_row(
            escape(score.item),
            f"{score.score:.1f}",
            f"{score.expected:.1f}",
            f"{score.starters:,}",
            f"{observed:.1f} ({100 * low:.1f} to {100 * high:.1f})",
            "\n".join(escape(_reason(reason)) for reason in score.reasons),
        )
    return table


def _reason(reason: Reason) -> str:
    value = f"{reason.value:.4g}" if isinstance(reason.value, float | int) else reason.value or "unknown"
    return f"{reason.feature} {value} {reason.contribution:+.1f}"
