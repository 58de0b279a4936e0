"""`report`: what a data folder knows, as one file to send on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from stream_app.cli.options import DataDir, SetOption, console
from stream_app.errors import StateError


def report(
    data_dir: DataDir = Path("data"),
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
    flags: SetOption = None,
) -> None:
    """Write tiers, drivers, content, groups and recommendations with pictures into one HTML file."""
    from stream_app.folder.folder_present import FolderPresent
    from stream_app.folder.folder_studies import FolderStudies
    from stream_app.serving.pages.report import render_report
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    with closing(FolderPresent(data_dir, settings)) as present:
        html = render_report(present, FolderStudies(data_dir, settings))
    try:
        out.write_text(html)
    except OSError as error:
        raise StateError(f"{out} cannot be written: {error}") from error
    console.print(
        f"{out}: open it in a browser, or send it on; it loads nothing.", markup=False, soft_wrap=True
    )
