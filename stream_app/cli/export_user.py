"""`export-user`: everything stored about one user, from a data folder or from Kafka."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import orjson
from rich import box
from rich.table import Table

from stream_app.cli.erase import FolderInstead, User
from stream_app.cli.options import AsJson, SetOption, console
from stream_app.errors import InputError

if TYPE_CHECKING:
    from stream_app.core.user_data import UserData


def export_user(
    user: User, data_dir: FolderInstead = None, as_json: AsJson = False, flags: SetOption = None
) -> None:
    """Show everything that is stored about a user; with --json all of it, as one object."""
    import asyncio

    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    if data_dir is None:
        from stream_app.runtimes.kafka.operate import user_records

        found = asyncio.run(user_records.export(user, settings))
    else:
        from stream_app.folder.user_export import export_from_folder

        found = export_from_folder(user, data_dir, settings)
    if not any((found.rows, found.outputs, found.recommender_sessions)):
        raise InputError(f"nothing is held about {user}")
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found._asdict()) + b"\n")
    else:
        _print(found)


def _print(found: UserData) -> None:
    table = Table("what", "how much", "newest", box=box.SIMPLE_HEAD)
    for key, row in found.rows.items():
        described = [f"{name} {value}" for name, value in sorted(row["features"].items())[:6]]
        table.add_row(f"row {key}", f"{len(row['features'])} features", ", ".join(described))
    for schema, outputs in sorted(found.outputs.items()):
        table.add_row(schema, str(len(outputs)), max(output["as_of"] for output in outputs))
    if found.recommender_sessions:
        newest = max(session["ended_at"] for session in found.recommender_sessions)
        table.add_row("sessions in the recommender", str(len(found.recommender_sessions)), newest)
    console.print(table)
    console.print("With --json all of it is given.", highlight=False)
