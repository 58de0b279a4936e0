"""`clusters`: groups of users of a data folder that behave alike, and what sets each apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, console
from stream_app.errors import StateError

if TYPE_CHECKING:
    from stream_app.models.insight.clusters import Cluster, Trait


def clusters(
    data_dir: DataDir = Path("data"),
    count: Annotated[int, typer.Option("-k", min=2, max=50, help="How many groups.")] = 5,
    top: Annotated[int, typer.Option(min=1, help="Features shown of each.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Decides where the groups begin.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Group users by their features in one pass, and show what sets each group apart.

    Differences from everybody's mean are in standard deviations.
    """
    from stream_app.features.reading import read_features
    from stream_app.models.insight.clusters import UserClusters
    from stream_app.runtimes.embedded.store import Store

    groups = UserClusters(count, seed=seed)
    with Store(data_dir, read_only=True) as store:
        for _, _, row in store.rows():
            if not row.merged_into:  # an id whose history is its user's now
                groups.learn_many([read_features(row, row.last_at)])
    groups.learn_waiting()
    found = groups.describe(top)
    if not found:
        raise StateError(f"{data_dir} holds {groups.users_seen} users: {count} groups need as many or more")
    if as_json:
        encoded = [
            {**cluster._asdict(), "traits": [trait._asdict() for trait in cluster.traits]}
            for cluster in found
        ]
        answer = {"users": groups.users_seen, "clusters": encoded}
        console.file.write(orjson.dumps(answer).decode() + "\n")
        return
    console.print(_table(found, groups.users_seen))


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
