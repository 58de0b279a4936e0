"""Finished sessions: their figures, and what a user's row keeps of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stream_app.features import repeats, sessions, windows
from stream_app.features.user_row import OpenSession, UserRow
from stream_app.intake.personal_text import is_personal
from stream_app.intake.wire import SessionCall
from stream_app.settings.rules import Rules


class FinishedSession(NamedTuple):
    """A finished session; times are epoch seconds, the duration is in seconds."""

    session_id: str
    started_at: float
    ended_at: float
    duration: float
    event_count: int
    page_views: int
    items: list[str]
    described: Mapping[str, tuple[str, str]]


def finish_session(row: UserRow, session: OpenSession, watermark: float) -> FinishedSession:
    """Add a session closed by the watermark to the row's statistics."""
    finished = FinishedSession(
        session_id=session.tracker_id or f"{session.started_at:.3f}",
        started_at=session.started_at,
        ended_at=session.last_at,
        duration=session.last_at - session.started_at,
        event_count=session.event_count,
        page_views=session.page_views,
        items=[item for _, item in session.items],
        described=session.described,
    )
    _note_finished(row, finished)
    repeats.forget_before(row, watermark)
    return finished


def finish_by_summary(
    row: UserRow, event: SessionCall, ended_at: float, offset: int, rules: Rules
) -> FinishedSession:
    """Add a session summarised by its tracker to the row's statistics, replacing those that it covers."""
    summary = event.properties
    started_at = ended_at - summary.duration
    covered = sessions.pop_covered(row, summary.session_id or "", started_at, ended_at, rules)
    seen_items = [item for session in covered for _, item in session.items]
    finished = FinishedSession(
        session_id=_unless_personal(summary.session_id) or str(offset),
        started_at=started_at,
        ended_at=ended_at,
        duration=summary.duration,
        event_count=sum(session.event_count for session in covered),
        page_views=summary.page_views,
        items=[item for item in summary.items if not is_personal(item)] or seen_items,
        described=sessions.newest_described(*(session.described for session in covered)),
    )
    if not covered:
        windows.add_page_views(row.tiles, ended_at, row.last_at, summary.page_views)
    _note_finished(row, finished)
    return finished


def _note_finished(row: UserRow, finished: FinishedSession) -> None:
    row.session_durations.add(finished.duration)
    row.session_page_views.add(finished.page_views)
    if row.last_session_end and finished.started_at > row.last_session_end:
        row.session_gaps.add(finished.started_at - row.last_session_end)
    row.last_session_end = max(row.last_session_end, finished.ended_at)
    windows.add_session(row.tiles, finished.ended_at, row.last_at, finished.duration)
    # For an inactive user, keep only what windows can still read.
    windows.prune(row.tiles, row.last_at)


def _unless_personal(text: str | None) -> str | None:
    return None if text is None or is_personal(text) else text
