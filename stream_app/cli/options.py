"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting; `stream-app settings` lists them."),
]
DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder that holds the embedded runtime's data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]

console = Console()
messages = Console(stderr=True)
