"""`export`: what a data folder holds as tables, for warehouses and notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stream_app.cli.options import DataDir, SetOption, console


def export(
    data_dir: DataDir = Path("data"),
    to: Annotated[Literal["parquet", "csv"], typer.Option(help="The form of the tables.")] = "parquet",
    out: Annotated[Path, typer.Option(help="The folder to write into; it is made.")] = Path("export"),
    flags: SetOption = None,
) -> None:
    """Write users, sessions, outputs and examples as tables, by schema and day."""
    from stream_app.folder.tables import write_tables
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.loading import load_settings

    load_settings(flags or ())
    with Store(data_dir, read_only=True) as store:
        counts = write_tables(store, out, to)
    for name, count in counts.items():
        console.print(f"{name}: {count:,} rows", markup=False, highlight=False)
    told = f"{out}: a folder for each table, with one for each day (UTC) of event time in it"
    console.print(told, markup=False, highlight=False, soft_wrap=True)
