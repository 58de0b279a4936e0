"""One event applied to one row."""

from __future__ import annotations

from typing import NamedTuple

from schemas.events import Event, IdentifyEvent, PageEvent, ScreenEvent, SessionEvent, TrackEvent
from stream_app.core import properties, sessions, windows
from stream_app.core.decoding import TimedEvent
from stream_app.core.identifiers import message_fingerprint
from stream_app.core.rules import DAY, Rules
from stream_app.core.statistics import count_category
from stream_app.core.user_row import MAX_RECENT_IDS, MAX_RECENT_ITEMS, MAX_TRAITS, OpenSession, UserRow


class FinishedSession(NamedTuple):
    """A session that is over; times are epoch seconds, the duration is in seconds."""

    session_id: str
    started_at: float
    ended_at: float
    duration: float
    event_count: int
    page_views: int
    items: list[str]


class Applied(NamedTuple):
    """What an event showed besides what went into the row."""

    item: str | None
    session: OpenSession | None
    finished: FinishedSession | None


def is_repeat(row: UserRow, timed: TimedEvent, watermark: float) -> bool:
    """Whether the row has seen this message; if not, it is remembered.

    A repeat has its original's event time, so what is older than the watermark need not be remembered:
    it would be refused as late.
    """
    message_id = timed.event.message_id
    if message_id is None:
        return False
    fingerprint = message_fingerprint(message_id)
    if fingerprint in row.recent_ids:
        return True
    if len(row.recent_ids) >= MAX_RECENT_IDS // 2:
        row.recent_ids = {seen: at for seen, at in row.recent_ids.items() if at >= watermark}
        while len(row.recent_ids) >= MAX_RECENT_IDS:
            del row.recent_ids[next(iter(row.recent_ids))]
    row.recent_ids[fingerprint] = timed.at
    return False


def apply_event(row: UserRow, timed: TimedEvent, topic: str, offset: int, rules: Rules) -> Applied:
    """Add one event to the row: windows, counts, sessions, shares, traits and items."""
    event, at = timed.event, timed.at
    if not row.counts:
        row.first_at = row.last_at = at
    row.first_at = min(row.first_at, at)
    row.last_at = max(row.last_at, at)
    row.counts[event.type] = row.counts.get(event.type, 0) + 1
    _note_day(row, at)
    _note_context(row, event)
    if isinstance(event, IdentifyEvent):
        _note_traits(row, event)
    if isinstance(event, SessionEvent):
        return _apply_summary(row, event, at, offset, rules)
    if not isinstance(event, PageEvent | ScreenEvent | TrackEvent):
        return Applied(None, None, None)
    is_view = not isinstance(event, TrackEvent)
    is_purchase = isinstance(event, TrackEvent) and event.event == properties.PURCHASE
    measures = windows.Measures(
        events=1,
        page_views=int(is_view),
        actions=int(not is_view),
        purchases=int(is_purchase),
        revenue=properties.revenue_of(event),
    )
    windows.add(row.tiles, measures, at, row.last_at)
    item = properties.item_of(event)
    if item is not None:
        row.recent_items.append(item)
        del row.recent_items[:-MAX_RECENT_ITEMS]
    session = sessions.touch(row, at, topic, offset, is_view, item, rules)
    return Applied(item, session, None)


def finish_session(row: UserRow, session: OpenSession) -> FinishedSession:
    """Add a session that the watermark has closed to the row's sessions."""
    finished = FinishedSession(
        session_id=f"{session.started_at:.3f}",
        started_at=session.started_at,
        ended_at=session.last_at,
        duration=session.last_at - session.started_at,
        event_count=session.event_count,
        page_views=session.page_views,
        items=[item for _, item in session.items],
    )
    _note_finished(row, finished)
    return finished


def _apply_summary(row: UserRow, event: SessionEvent, ended_at: float, offset: int, rules: Rules) -> Applied:
    summary = event.properties
    started_at = ended_at - summary.duration
    covered = sessions.take_covered(row, started_at, ended_at, rules)
    seen_items = [item for session in covered for _, item in session.items]
    finished = FinishedSession(
        session_id=summary.session_id or str(offset),
        started_at=started_at,
        ended_at=ended_at,
        duration=summary.duration,
        event_count=sum(session.event_count for session in covered),
        page_views=summary.page_views,
        items=summary.items or seen_items,
    )
    if not covered:
        windows.add(row.tiles, windows.Measures(page_views=summary.page_views), ended_at, row.last_at)
    _note_finished(row, finished)
    return Applied(None, None, finished)


def _note_finished(row: UserRow, finished: FinishedSession) -> None:
    row.session_durations.add(finished.duration)
    row.session_page_views.add(finished.page_views)
    if row.last_session_end and finished.started_at > row.last_session_end:
        row.session_gaps.add(finished.started_at - row.last_session_end)
    row.last_session_end = max(row.last_session_end, finished.ended_at)
    measures = windows.Measures(sessions=1, duration=finished.duration)
    windows.add(row.tiles, measures, finished.ended_at, row.last_at)


def _note_day(row: UserRow, at: float) -> None:
    day = int(at // DAY)
    if day > row.last_active_day:
        row.active_days += 1
        row.last_active_day = day


def _note_context(row: UserRow, event: Event) -> None:
    context = event.context
    if context is None:
        return
    if context.device is not None and context.device.type:
        count_category(row.devices, context.device.type)
    if context.browser is not None and context.browser.name:
        count_category(row.browsers, context.browser.name)
    if context.os is not None and context.os.name:
        count_category(row.systems, context.os.name)
    if context.location is not None and context.location.country:
        count_category(row.countries, context.location.country)


def _note_traits(row: UserRow, event: IdentifyEvent) -> None:
    for name, value in properties.traits_of(event).items():
        if name in row.traits or len(row.traits) < MAX_TRAITS:
            row.traits[name] = value
