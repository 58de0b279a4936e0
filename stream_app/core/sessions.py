"""Sessions from single events: bounded by inactivity, merged when late events bridge them."""

from __future__ import annotations

from bisect import insort

from stream_app.core.rules import Rules
from stream_app.core.user_row import OpenSession, UserRow

MAX_SESSION_ITEMS = 100
SAME_LOOK = 10.0


def touch(
    row: UserRow, at: float, topic: str, offset: int, is_page_view: bool, item: str | None, rules: Rules
) -> OpenSession:
    """Put one event into the session it belongs to: a new one, one it extends, or several that it joins."""
    near = [
        session
        for session in row.open_sessions
        if session.started_at - rules.session_gap < at < session.last_at + rules.session_gap
        and max(session.last_at, at) - min(session.started_at, at) <= rules.session_limit
    ]
    if near:
        session = near[0]
        for other in near[1:]:
            _merge(session, other, row, rules)
    else:
        session = OpenSession(started_at=at, last_at=at, topic=topic, last_offset=offset, items=[])
        row.open_sessions.append(session)
    session.started_at = min(session.started_at, at)
    session.last_at = max(session.last_at, at)
    session.topic, session.last_offset = topic, max(session.last_offset, offset)
    session.event_count += 1
    session.page_views += is_page_view
    if item is not None and not _is_same_look(session, at, item):
        insort(session.items, (at, item), key=_time_of)
        del session.items[:-MAX_SESSION_ITEMS]
    row.open_sessions.sort(key=_start_of)
    return session


def due_at(session: OpenSession, rules: Rules) -> float:
    """The watermark at which no event can extend the session any more."""
    return session.last_at + rules.session_gap


def take_due(row: UserRow, watermark: float, rules: Rules) -> list[OpenSession]:
    """Remove and return the sessions that the watermark has closed, oldest first."""
    due = [session for session in row.open_sessions if due_at(session, rules) <= watermark]
    if due:
        row.open_sessions = [session for session in row.open_sessions if due_at(session, rules) > watermark]
    return due


def take_covered(row: UserRow, started_at: float, ended_at: float, rules: Rules) -> list[OpenSession]:
    """Remove and return the open sessions that a tracker's own summary of that span closes."""
    covered = [
        session
        for session in row.open_sessions
        if session.started_at < ended_at + rules.session_gap
        and session.last_at > started_at - rules.session_gap
    ]
    if covered:
        taken = {id(session) for session in covered}
        row.open_sessions = [session for session in row.open_sessions if id(session) not in taken]
    return covered


def next_due(row: UserRow, rules: Rules) -> float | None:
    """When the first open session falls due, in event time; None where none is open."""
    return min((due_at(session, rules) for session in row.open_sessions), default=None)


def _merge(session: OpenSession, other: OpenSession, row: UserRow, rules: Rules) -> None:
    if max(session.last_at, other.last_at) - min(session.started_at, other.started_at) > rules.session_limit:
        return
    session.started_at = min(session.started_at, other.started_at)
    session.last_at = max(session.last_at, other.last_at)
    session.last_offset = max(session.last_offset, other.last_offset)
    session.event_count += other.event_count
    session.page_views += other.page_views
    session.items = sorted(session.items + other.items, key=_time_of)[-MAX_SESSION_ITEMS:]
    row.open_sessions = [kept for kept in row.open_sessions if kept is not other]


def _is_same_look(session: OpenSession, at: float, item: str) -> bool:
    """A click on an item and the page that it opens are one look at it."""
    return any(seen == item and abs(at - seen_at) < SAME_LOOK for seen_at, seen in session.items[-2:])


def _time_of(item: tuple[float, str]) -> float:
    return item[0]


def _start_of(session: OpenSession) -> float:
    return session.started_at
