"""Builds sessions from single events: bounded by inactivity, merged if late events bridge them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence

from stream_app.features.times import Times
from stream_app.features.user_row import OpenSession, UserRow
from stream_app.intake.personal_text import is_personal
from stream_app.settings.rules import Rules

# A person has a few devices; an id with more simultaneous visits is not a person's.
MAX_OPEN_SESSIONS = 16
MAX_SESSION_ITEMS = 100
MAX_OPEN_ITEMS = 2 * MAX_SESSION_ITEMS  # in all open sessions of a user together
MAX_DESCRIBED_ITEMS = 12
MAX_FACT_LENGTH = 64
SAME_LOOK = 10.0


def touch(  # noqa: PLR0913
    row: UserRow,
    at: float,
    topic: str,
    offset: int,
    tracker_id: str,
    is_page_view: bool,
    item: str | None,
    rules: Rules,
) -> OpenSession:
    """Add one event to its session: a new one, one that it extends, or several that it joins.

    `tracker_id` is the tracker's own session id, or "". Different ids are different sessions, however close,
    and the same id is one session, however long its pauses, while it is open and within the limit.
    """
    session = _find_or_join(row, at, tracker_id, rules) or _begin(row, at, topic, offset)
    if at > session.last_at:
        session.last_at = at
    elif at < session.started_at:
        session.started_at = at
    if session.topic == topic:
        session.last_offset = max(session.last_offset, offset)
    else:
        session.topic, session.last_offset = topic, offset
    if tracker_id and not session.tracker_id and not is_personal(tracker_id):
        session.tracker_id = tracker_id
    session.event_count += 1
    session.page_views += is_page_view
    if item is not None and not _is_same_look(session, at, item):
        insort(session.items, (at, item), key=_time_of)
        del session.items[:-MAX_SESSION_ITEMS]
    if len(row.open_sessions) > 1:
        row.open_sessions.sort(key=_start_of)
    return session


def prolong(
    row: UserRow, at: float, topic: str, offset: int, tracker_id: str, rules: Rules
) -> OpenSession | None:
    """Continue the session of an event without counting the event; None if none is open."""
    for session in reversed(row.open_sessions):
        if _accepts(session, at, tracker_id, rules.session_gap, rules.session_limit):
            session.last_at = max(session.last_at, at)
            if session.topic == topic:
                session.last_offset = max(session.last_offset, offset)
            else:
                session.topic, session.last_offset = topic, offset
            return session
    return None


def describe(session: OpenSession, item: str, category: object, brand: object) -> None:
    """Note an item's category and brand; missing values keep those of earlier events."""
    new_category, new_brand = _fact(category), _fact(brand)
    if new_category or new_brand:
        known_category, known_brand = session.described.pop(item, ("", ""))
        session.described[item] = (new_category or known_category, new_brand or known_brand)
        if len(session.described) > MAX_DESCRIBED_ITEMS:
            del session.described[next(iter(session.described))]


def join(row: UserRow, added: Sequence[OpenSession], topic: str, offset: int, rules: Rules) -> None:
    """Merge another row's open sessions; nearby ones become one, by the rules of `touch`.

    The record at this position brings them and counts as the last record of each, because their own are in
    another partition.
    """
    for session in added:
        session.topic, session.last_offset = topic, offset
        row.open_sessions.append(session)
        for other in row.open_sessions[:-1]:
            if _lie_near(session, other, rules.session_gap):
                other.topic, other.last_offset = topic, offset
                _merge(session, other, row, rules)
    row.open_sessions.sort(key=_start_of)


def due_after(last_at: Times, rules: Rules) -> Times:
    """The watermark from which no event can extend a session whose last event was at `last_at`."""
    return last_at + rules.session_gap


def due_at(session: OpenSession, rules: Rules) -> float:
    """The watermark from which no event can extend the session."""
    return due_after(session.last_at, rules)


def first_last_at(row: UserRow) -> float | None:
    """The time of the last event of the session that ends first; None if none is open."""
    if not row.open_sessions:
        return None
    return min([session.last_at for session in row.open_sessions])


def pop_due(row: UserRow, watermark: float, rules: Rules) -> list[OpenSession]:
    """Remove and return the sessions that the watermark has closed, oldest first."""
    due = [session for session in row.open_sessions if due_at(session, rules) <= watermark]
    if due:
        row.open_sessions = [session for session in row.open_sessions if due_at(session, rules) > watermark]
    return due


def pop_covered(
    row: UserRow, tracker_id: str, started_at: float, ended_at: float, rules: Rules
) -> list[OpenSession]:
    """Remove and return the open sessions that a tracker's own summary of that span closes."""
    covered = [
        session
        for session in row.open_sessions
        if (not session.tracker_id or not tracker_id or session.tracker_id == tracker_id)
        and session.started_at < ended_at + rules.session_gap
        and session.last_at > started_at - rules.session_gap
    ]
    if covered:
        taken = {id(session) for session in covered}
        row.open_sessions = [session for session in row.open_sessions if id(session) not in taken]
    return covered


def pop_excess(row: UserRow, current: OpenSession | None) -> list[OpenSession]:
    """Remove and return the open sessions that a row has no room for.

    Those with the oldest last event go first, ties by start, because they would have ended next. `current`,
    to which an event was just added, stays.
    """
    if len(row.open_sessions) < 2:  # a shortcut for the common case
        return []
    items = sum([len(session.items) for session in row.open_sessions])
    if len(row.open_sessions) <= MAX_OPEN_SESSIONS and items <= MAX_OPEN_ITEMS:
        return []
    others = [session for session in row.open_sessions if session is not current]
    others.sort(key=lambda session: (session.last_at, session.started_at))
    kept, excess = len(row.open_sessions), []
    for session in others:
        if kept <= MAX_OPEN_SESSIONS and items <= MAX_OPEN_ITEMS:
            break
        excess.append(session)
        kept, items = kept - 1, items - len(session.items)
    taken = {id(session) for session in excess}
    row.open_sessions = [session for session in row.open_sessions if id(session) not in taken]
    return excess


def newest_described(*described: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Merge the item descriptions of several sessions, oldest first; the newest counts."""
    newest: dict[str, tuple[str, str]] = {}
    for session in described:
        newest |= session
    return dict(list(newest.items())[-MAX_DESCRIBED_ITEMS:])


def next_due(row: UserRow, rules: Rules) -> float | None:
    """When the first open session falls due, in event time; None if none is open."""
    last_at = first_last_at(row)
    return None if last_at is None else due_after(last_at, rules)


def _fact(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_FACT_LENGTH else ""


def _accepts(session: OpenSession, at: float, tracker_id: str, gap: float, limit: float) -> bool:
    if max(session.last_at, at) - min(session.started_at, at) > limit:
        return False
    if tracker_id and session.tracker_id:
        return tracker_id == session.tracker_id
    return session.started_at - gap < at < session.last_at + gap


def _find_or_join(row: UserRow, at: float, tracker_id: str, rules: Rules) -> OpenSession | None:
    """Return the open session of an event, joining several if the event bridges them."""
    gap, limit = rules.session_gap, rules.session_limit
    if len(row.open_sessions) == 1:  # a shortcut for the common case
        session = row.open_sessions[0]
        return session if _accepts(session, at, tracker_id, gap, limit) else None
    near = [session for session in row.open_sessions if _accepts(session, at, tracker_id, gap, limit)]
    for other in near[1:]:
        _merge(near[0], other, row, rules)
    return near[0] if near else None


def _lie_near(session: OpenSession, other: OpenSession, gap: float) -> bool:
    if session.tracker_id and other.tracker_id:
        return session.tracker_id == other.tracker_id
    return session.started_at - gap < other.last_at and other.started_at - gap < session.last_at


def _begin(row: UserRow, at: float, topic: str, offset: int) -> OpenSession:
    session = OpenSession(started_at=at, last_at=at, topic=topic, last_offset=offset, items=[])
    row.open_sessions.append(session)
    return session


def _merge(session: OpenSession, other: OpenSession, row: UserRow, rules: Rules) -> None:
    if session.tracker_id and other.tracker_id and session.tracker_id != other.tracker_id:
        return
    if max(session.last_at, other.last_at) - min(session.started_at, other.started_at) > rules.session_limit:
        return
    session.started_at = min(session.started_at, other.started_at)
    session.last_at = max(session.last_at, other.last_at)
    session.last_offset = max(session.last_offset, other.last_offset)
    session.tracker_id = session.tracker_id or other.tracker_id
    session.event_count += other.event_count
    session.page_views += other.page_views
    session.items = sorted(session.items + other.items, key=_time_of)[-MAX_SESSION_ITEMS:]
    session.described = newest_described(other.described, session.described)
    row.open_sessions = [kept for kept in row.open_sessions if kept is not other]


def _is_same_look(session: OpenSession, at: float, item: str) -> bool:
    """A click on an item and the page that it opens are one view, in either order."""
    for seen_at, seen in reversed(session.items):
        if seen_at <= at - SAME_LOOK:
            return False
        if seen == item and seen_at < at + SAME_LOOK:
            return True
    return False


def _time_of(item: tuple[float, str]) -> float:
    return item[0]


def _start_of(session: OpenSession) -> float:
    return session.started_at
