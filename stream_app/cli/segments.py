"""`segments`: a data folder's users by recency, frequency and money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, DataDir, console


def segments(data_dir: DataDir = Path("data"), as_json: AsJson = False) -> None:
    """Show the eleven segments: how many users each has, and the medians that set it apart.

    Recency, active days and money spent are scored 1 to 5 by the percentiles of all users.
    """
    from stream_app.folder.plans import describe_segments, people_of
    from stream_app.runtimes.embedded.store import Store

    with Store(data_dir, read_only=True) as store:
        people, _ = people_of(store)
    found = describe_segments(people)
    if as_json:
        console.file.write(orjson.dumps({"users": len(people), "segments": found}).decode() + "\n")
        return
    console.print(_table(found, len(people)))


def _table(found: list[dict[str, Any]], users: int) -> Table:
    table = Table(title=f"Segments of {users:,} users", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("segment", no_wrap=True)
    for column in ("users", "share", "days since last visit", "active days", "spent"):
        table.add_column(column, justify="right")
    for each in found:
        medians = (each["days_since_last_visit"], each["active_days"], each["spent"])
        cells = ["" if value is None else f"{value:,.1f}" for value in medians]
        table.add_row(each["segment"], f"{each['users']:,}", f"{each['share']:.0%}", *cells)
    return table
