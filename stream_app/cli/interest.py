"""`interest`: what a user likes, and how much an unseen item should interest them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console
from stream_app.errors import InputError

if TYPE_CHECKING:
    from stream_app.features.user_row import UserRow


Names = Annotated[list[str] | None, typer.Option(help="One that the new thing has; may be given again.")]


def interest(
    data_dir: DataDir,
    user: Annotated[str, typer.Option(help="The user's id.")],
    category: Names = None,
    brand: Names = None,
    tag: Names = None,
    search: Names = None,
    field: Names = None,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Show what a user likes, and how much a described new item should interest them."""
    from stream_app.features.interests import FACETS
    from stream_app.runtimes.common.intake import build_privacy
    from stream_app.runtimes.common.partitioning import partition_of
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    described = {
        facet: names
        for facet, names in zip(FACETS, (category, brand, tag, search, field), strict=True)
        if names
    }
    settings = load_settings(flags or ())
    with Store(data_dir, read_only=True) as store:
        partition = partition_of(user.encode(), max(len(store.partitions()), 1))
        keys = build_privacy(settings).user_keys(user)
        row = next(filter(None, (store.row(partition, key) for key in keys)), None)
    if row is None:
        raise InputError(f"nothing is known of {user} in {data_dir}")
    report = _report(row, described)
    if as_json:
        console.file.write(orjson.dumps(report).decode() + "\n")
    else:
        _print(user, report)


def _report(row: UserRow, described: dict[str, list[str]]) -> dict[str, Any]:
    from stream_app.features.interests import FACETS, affinities, interest_in

    likes = {facet: affinities(row.interests, number, row.last_at) for number, facet in enumerate(FACETS)}
    report: dict[str, Any] = {"likes": {facet: known for facet, known in likes.items() if known}}
    if described:
        score, reasons = interest_in(row.interests, described, row.last_at)
        report |= {"interest": score, "reasons": [reason._asdict() for reason in reasons]}
    return report


def _print(user: str, report: dict[str, Any]) -> None:
    table = Table(title=f"What {user} likes", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("", "name"):
        table.add_column(column)
    table.add_column("looks, halved every 14 days", justify="right")
    for facet, known in report["likes"].items():
        for place, (name, weight) in enumerate(known.items()):
            table.add_row("" if place else facet, name, f"{weight:.2f}")
    console.print(table)
    if "interest" in report:
        reasons = [
            f"{reason['facet']} {reason['name']} has {reason['share']:.0%} of their attention"
            for reason in report["reasons"]
        ]
        why = "; ".join(reasons) or "nothing of it is known to them"
        console.print(f"Interest in the new thing: {report['interest']:.2f} ({why})", highlight=False)
