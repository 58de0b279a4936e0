"""`export-user`: everything held about one user, from a data folder or from Kafka."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich import box
from rich.table import Table

from stream_app.cli.erase import FolderInstead, User
from stream_app.cli.options import AsJson, SetOption, console
from stream_app.errors import InputError

if TYPE_CHECKING:
    from stream_app.core.user_data import UserData
    from stream_app.features.user_row import UserRow
    from stream_app.runtimes.embedded.store import Store
    from stream_app.settings.environment import Settings


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
        found = export_from_folder(user, data_dir, settings)
    if not any((found.rows, found.outputs, found.recommender_sessions)):
        raise InputError(f"nothing is held about {user}")
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found._asdict()) + b"\n")
    else:
        _print(found)


def export_from_folder(user_id: str, data_dir: Path, settings: Settings) -> UserData:
    """All that a data folder holds about a user.

    Raises:
        StateError: the folder holds no data, or cannot be read.
    """
    from stream_app.core.user_data import UserData, describe_row, describe_sessions, group_outputs, is_about
    from stream_app.runtimes.common.intake import build_privacy
    from stream_app.runtimes.common.partitioning import partition_of
    from stream_app.runtimes.embedded.learned import load_recommender
    from stream_app.runtimes.embedded.store import Store

    with Store(data_dir, read_only=True) as store:
        user_keys = build_privacy(settings).user_keys(user_id)
        partition = partition_of(user_id.encode(), max(len(store.partitions()), 1))
        rows = {key: store.row(partition, key) for key in user_keys}
        owned = {key for user_key, row in rows.items() if row for key in _owned_ids(store, user_key, row)}
        names = {user_id, *user_keys, *owned}
        recommender = load_recommender(store)
        sessions = [session for name in sorted(names) for session in recommender.sessions_of(name)]
        return UserData(
            user_id,
            {key: describe_row(row) for key, row in rows.items() if row is not None},
            group_outputs(body for body in store.outputs() if is_about(body, names)),
            describe_sessions(sessions),
        )


def _owned_ids(store: Store, user_key: str, row: UserRow) -> list[str]:
    """The user's other ids: those whose rows point here. What was only claimed may be somebody else's."""
    from stream_app.features.user_row import OWNED

    owned = []
    for key, place in row.linked.items():
        other = store.row(place.partition, key)
        if other.merged_into == user_key if other is not None else place.claim == OWNED:
            owned.append(key)
    return owned


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
