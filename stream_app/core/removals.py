"""Removes rows: the longest idle one if the partition is full, and those that are no longer valid."""

from __future__ import annotations

from stream_app.core.session_ends import close
from stream_app.core.workspace import Workspace


def make_room(workspace: Workspace) -> None:
    """Remove the longest idle user if the partition has too many."""
    if 0 < workspace.rules.max_users < workspace.partition.users:
        _remove(workspace, workspace.partition.pop_idlest(workspace.row), "evicted")


def remove_expired(workspace: Workspace) -> None:
    """Remove users and erasure markers that have expired in event time."""
    partition = workspace.partition
    for user_key in partition.pop_expired(partition.watermark, workspace.row):
        _remove(workspace, user_key, "expired")
    for marker in partition.erasures.pop_expired(partition.watermark - workspace.rules.row_validity):
        workspace.remove_erasure(marker)


def _remove(workspace: Workspace, user_key: str, why: str) -> None:
    row = workspace.row(user_key)
    if row is not None:
        ended, row.open_sessions = row.open_sessions, []
        close(workspace, user_key, row, ended)
    workspace.remove_row(user_key, why)
