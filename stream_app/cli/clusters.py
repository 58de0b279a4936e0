"""`clusters`: groups of users of a data folder that behave alike, and what distinguishes each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, SetOption, console

if TYPE_CHECKING:
    from stream_app.models.insight.clusters import Cluster, Trait


def clusters(
    data_dir: DataDir = Path("data"),
    count: Annotated[int, typer.Option("-k", min=2, max=50, help="How many groups.")] = 5,
    top: Annotated[int, typer.Option(min=1, help="Features shown of each.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Decides where the groups begin.")] = 0,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Group users by their features in one pass, and show what distinguishes each group.

    Differences from the overall mean are in standard deviations.
    """
    from stream_app.folder.clusters import describe_clusters, find_clusters
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    definitions = load_settings(flags or ()).loaded_definitions
    with Store(data_dir, read_only=True) as store:
        users, found = find_clusters(store, count, top, seed, definitions)
    if as_json:
        console.file.write(orjson.dumps(describe_clusters(users, found)).decode() + "\n")
        return
    console.print(_table(found, users))


def _table(found: list[Cluster], users: int) -> Table:
    table = Table(title=f"Groups of {users:,} users", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("group", justify="right")
    table.add_column("users", justify="right")
    table.add_column("share", justify="right")
    table.add_column("what sets it apart: mean (everybody's), difference", overflow="fold")
    for cluster in found:
        table.add_row(
            str(cluster.number),
            f"{cluster.users:,}",
            f"{cluster.share:.0%}",
            "\n".join(map(_trait, cluster.traits)),
        )
        table.add_section()
    return table


def _trait(trait: Trait) -> str:
    return escape(f"{trait.feature} {trait.inside:.4g} ({trait.everybody:.4g}), {trait.difference:+.1f}")
