"""Ends sessions by event time or because their tracker says so: sends them and scores their users."""

from __future__ import annotations

from collections.abc import Sequence

from stream_app.core import outputs, recommending
from stream_app.core.score_requests import SESSION_CLOSED
from stream_app.core.workspace import Workspace
from stream_app.features import sessions
from stream_app.features.finished_sessions import FinishedSession, finish_session
from stream_app.features.user_row import OpenSession, UserRow
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.topics import LINKS

EXCESS = "open_sessions"  # a part of a row, used as a metric's label


def close_due(workspace: Workspace, until: float) -> None:
    """Close every session due by `until`, in an order that does not depend on batches."""
    partition, rules = workspace.partition, workspace.rules
    users = partition.sessions.pop_due(until)
    if not users:
        return
    due: list[tuple[float, str, UserRow]] = []
    for user_key in users:
        row = workspace.row(user_key)
        if row is None:
            continue
        first_due = sessions.next_due(row, rules)
        if first_due is not None and first_due <= until:
            due.append((first_due, user_key, row))
        else:
            partition.schedule(user_key, row)
    for _, user_key, row in sorted(due, key=lambda entry: entry[:2]):
        close(workspace, user_key, row, sessions.pop_due(row, until, rules))
        partition.schedule(user_key, row)


def close_excess(
    workspace: Workspace, user_key: str, row: UserRow, current: OpenSession | None = None
) -> None:
    """Close the open sessions that a row has no room for, except `current`, the one of the event at hand."""
    excess = sessions.pop_excess(row, current)
    if excess:
        workspace.count_bounded(EXCESS, len(excess))
        close(workspace, user_key, row, excess)


def close(workspace: Workspace, user_key: str, row: UserRow, ended: Sequence[OpenSession]) -> None:
    """Finish sessions that were removed from the row."""
    partition, rules = workspace.partition, workspace.rules
    for session in ended:
        cause = Cause(session.topic, partition.number, session.last_offset)
        finished = finish_session(row, session, partition.watermark)
        end_session(workspace, user_key, row, finished, cause, sessions.due_at(session, rules))
    workspace.put_row(user_key, row)


def end_session(
    workspace: Workspace, user_key: str, row: UserRow, finished: FinishedSession, cause: Cause, at: float
) -> None:
    """Send a session that is over at event time `at`, and request a score for its user."""
    may_personalise = recommending.may_personalise(row, workspace.rules)
    workspace.emit(
        outputs.build_closed_session(user_key, row, finished, may_personalise, cause, at, workspace.now)
    )
    known_at = max(at, row.last_at)
    if not row.next_moment_at:
        row.next_moment_at = known_at
        workspace.partition.outlooks.schedule(user_key, known_at)
    # One message may bring many sessions of another row, so ids include the session itself.
    which = finished.session_id if cause.topic == LINKS.name else ""
    workspace.request_score(user_key, row, known_at, cause, SESSION_CLOSED, which)
