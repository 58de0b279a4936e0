"""Everything that a data folder holds about one user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from stream_app.core.user_data import UserData, describe_row, describe_sessions, group_outputs, is_about
from stream_app.features.user_row import UserRow, is_owned
from stream_app.folder.opening import data_keys, open_audit
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.common.intake import build_privacy, subject_of
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.embedded.learned import load_recommender
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.audit import Act
from stream_app.settings.environment import Settings

NO_DETAILS: Mapping[str, str] = MappingProxyType({})


def export_from_folder(
    user_id: str, data_dir: Path, settings: Settings, details: Mapping[str, str] = NO_DETAILS
) -> UserData:
    """All that a data folder holds about a user; the audit log tells of it, with `details` of who asked.

    Raises:
        StateError: the folder holds no data, or cannot be read, or the audit log cannot be written.
    """
    found = _find(user_id, data_dir, settings)
    subject = subject_of(user_id, settings, data_keys(data_dir, settings, may_make=False))
    open_audit(data_dir, settings).write([act(Act.EXPORT, subject, details=details)])
    return found


def _find(user_id: str, data_dir: Path, settings: Settings) -> UserData:
    definitions = settings.loaded_definitions
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
            {key: describe_row(row, definitions) for key, row in rows.items() if row is not None},
            group_outputs(body for body in store.outputs() if is_about(body, names)),
            describe_sessions(sessions),
        )


def _owned_ids(store: Store, user_key: str, row: UserRow) -> list[str]:
    """The user's other ids: those whose rows point here. What was only claimed may be somebody else's."""
    claimed = row.linked.items()
    return [key for key, place in claimed if is_owned(user_key, place, store.row(place.partition, key))]
