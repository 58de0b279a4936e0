"""One event applied to one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from stream_app.features import content, sessions, windows
from stream_app.features.calendar import is_time_zone, local_time, note_day
from stream_app.features.distinct import bit_of
from stream_app.features.funnel import take_step
from stream_app.features.interests import FACETS, add_interest
from stream_app.features.statistics import count_category, count_top
from stream_app.features.user_row import (
    ACTIVITY_HALF_LIFE,
    MAX_RECENT_IDS,
    MAX_RECENT_ITEMS,
    MAX_TOP_NAMES,
    MAX_TRAITS,
    SPENDING_HALF_LIFE,
    Kind,
    OpenSession,
    UserRow,
)
from stream_app.intake import properties
from stream_app.intake.decoding import TimedEvent
from stream_app.intake.identifiers import event_fingerprint
from stream_app.intake.personal_text import is_personal
from stream_app.intake.ports import Cleaner, Surroundings
from stream_app.intake.wire import (
    Context,
    GroupEvent,
    IdentifyEvent,
    PageEvent,
    ScreenEvent,
    SessionEvent,
    TrackEvent,
)
from stream_app.learning import moments
from stream_app.settings.rules import Rules

CATEGORY, BRAND, TAG, SEARCH, FIELD = range(len(FACETS))
MAX_CATEGORY_LENGTH = 32
IDS_BETWEEN_LOOKS = 32
_NOWHERE = Context()


class FinishedSession(NamedTuple):
    """A session that is over; times are epoch seconds, the duration is in seconds."""

    session_id: str
    started_at: float
    ended_at: float
    duration: float
    event_count: int
    page_views: int
    items: list[str]
    described: Mapping[str, tuple[str, str]]


class Applied(msgspec.Struct, frozen=True):
    """What an event showed besides what went into the row."""

    item: str | None = None
    session: OpenSession | None = None
    finished: FinishedSession | None = None
    has_started: bool = False


_NOTHING = Applied()


def is_repeat(row: UserRow, timed: TimedEvent, watermark: float) -> bool:
    """Whether the row has seen this event; if not, it is remembered.

    A repeat has its original's event time, so what is older than the watermark need not be remembered:
    it would be refused as late.
    """
    fingerprint = event_fingerprint(timed.event)
    if fingerprint in row.recent_ids:
        return True
    if len(row.recent_ids) % IDS_BETWEEN_LOOKS == IDS_BETWEEN_LOOKS - 1:
        forget_ids(row, watermark)
    if len(row.recent_ids) >= MAX_RECENT_IDS:
        del row.recent_ids[next(iter(row.recent_ids))]
    row.recent_ids[fingerprint] = timed.at
    return False


def forget_ids(row: UserRow, watermark: float) -> None:
    """Drop the fingerprints of what would be refused as late if it came again."""
    row.recent_ids = {seen: at for seen, at in row.recent_ids.items() if at >= watermark}


def apply_event(
    row: UserRow, timed: TimedEvent, topic: str, offset: int, cleaner: Cleaner, rules: Rules
) -> Applied:
    """Add one event to the row: counts, windows, sessions, shares, interests, traits and items."""
    event, at = timed.event, timed.at
    _count_kind(row.kinds, event.type, at)
    # Nothing inherits from these types, and `isinstance` with several of them takes ten times as long.
    if type(event) is PageEvent or type(event) is TrackEvent or type(event) is ScreenEvent:
        name = event.event if type(event) is TrackEvent else ""
        if name:
            _count_action(row, name, at)
            if name in properties.PASSIVE_EVENTS:
                return _NOTHING
        surroundings = _note_use(row, event.context or _NOWHERE, at, cleaner)
        return _apply_use(row, event, name, at, topic, offset, surroundings, cleaner, rules)
    if isinstance(event, SessionEvent):
        surroundings = _note_use(row, event.context or _NOWHERE, at, cleaner)
        _note_search(row, surroundings, event.properties.search_query, at, cleaner)
        if row.moments:
            moments.note_use(row, at, False, rules)
        return _apply_summary(row, event, at, offset, rules)
    if isinstance(event, IdentifyEvent | GroupEvent):
        _note_traits(row, event)
    return _NOTHING


def finish_session(row: UserRow, session: OpenSession, watermark: float) -> FinishedSession:
    """Add a session that the watermark has closed to the row's sessions."""
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
    forget_ids(row, watermark)
    return finished


def _apply_use(
    row: UserRow,
    event: PageEvent | ScreenEvent | TrackEvent,
    name: str,
    at: float,
    topic: str,
    offset: int,
    surroundings: Surroundings,
    cleaner: Cleaner,
    rules: Rules,
) -> Applied:
    described = event.properties
    item = properties.item_id(described)
    page = None if name else properties.page_of(event)
    page_bit = bit_of(page) if page is not None else 0
    windows.add_event(row.tiles, at, row.last_at, not name, page_bit, bit_of(item) if item is not None else 0)
    row.activity.add(1.0, at, ACTIVITY_HALF_LIFE)
    if row.moments:
        moments.note_use(row, at, name == properties.PURCHASE, rules)
    if row.item_starts and content.PAGE in rules.content_starts:
        content.note_reading(row, at, rules)
    has_started = content.is_told_by(name, rules) and content.note_event(row, event, name, at, rules)
    if name:
        take_step(row.funnel, name, item, at)
        if name == properties.PURCHASE:
            _note_purchase(row, described, at)
        elif name in properties.CART_EVENTS:
            weight = properties.INTEREST_WEIGHTS.get(name)
            if weight is not None:  # a weight of nothing would still push another name out
                _note_interest(row, described, weight, at)
            item = None
        else:
            _note_interest(row, described, 1.0, at)
        _note_search(row, surroundings, properties.search_of(described), at, cleaner)
    else:
        _note_interest(row, described, 1.0, at)
        if surroundings.search_terms:
            add_interest(row.interests, SEARCH, surroundings.search_terms, 1.0, at)
    if surroundings.fields:
        add_interest(row.interests, FIELD, surroundings.fields, 1.0, at)
    if item is not None:
        row.recent_items.append(item)
        del row.recent_items[:-MAX_RECENT_ITEMS]
        count_top(row.top_items, item, MAX_TOP_NAMES)
    context = event.context
    tracker_id = str(context.session_id) if context is not None and context.session_id is not None else ""
    session = sessions.touch(row, at, topic, offset, tracker_id, not name, item, rules)
    if item is not None:
        sessions.describe(session, item, described.get("category"), described.get("brand"))
    return Applied(item, session, has_started=has_started)


def _apply_summary(row: UserRow, event: SessionEvent, ended_at: float, offset: int, rules: Rules) -> Applied:
    summary = event.properties
    started_at = ended_at - summary.duration
    covered = sessions.take_covered(row, summary.session_id or "", started_at, ended_at, rules)
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
    return Applied(finished=finished)


def _note_finished(row: UserRow, finished: FinishedSession) -> None:
    row.session_durations.add(finished.duration)
    row.session_page_views.add(finished.page_views)
    if row.last_session_end and finished.started_at > row.last_session_end:
        row.session_gaps.add(finished.started_at - row.last_session_end)
    row.last_session_end = max(row.last_session_end, finished.ended_at)
    windows.add_session(row.tiles, finished.ended_at, row.last_at, finished.duration)
    # A user who has gone keeps what windows can still read, and no more.
    windows.prune(row.tiles, row.last_at)


def _note_use(row: UserRow, context: Context, at: float, cleaner: Cleaner) -> Surroundings:
    """Note when and in what surroundings the user did something."""
    if not row.first_at:
        row.first_at = row.last_at = at
    elif at > row.last_at:
        row.last_at = at
    elif at < row.first_at:
        row.first_at = at
    if context.timezone and context.timezone != row.time_zone and is_time_zone(context.timezone):
        row.time_zone = context.timezone
    day, hour, weekday = local_time(at, row.time_zone)
    row.hours[hour] += 1
    row.weekdays[weekday] += 1
    if day != row.last_active_day:
        bits, last_day = note_day(row.active_day_bits, row.last_active_day, day)
        row.active_days += bits != row.active_day_bits or last_day != row.last_active_day
        row.active_day_bits, row.last_active_day = bits, last_day
    surroundings = cleaner.describe(context)
    if surroundings.is_bot:
        row.is_bot = True
    if surroundings.device:
        count_category(row.devices, surroundings.device)
    if surroundings.browser:
        count_category(row.browsers, surroundings.browser)
    if surroundings.os:
        count_category(row.systems, surroundings.os)
    if context.location is not None and context.location.country:
        count_category(row.countries, context.location.country[:MAX_CATEGORY_LENGTH])
    if surroundings.referrer_medium:
        count_category(row.referrers, surroundings.referrer_medium)
    plan = row.traits.get("plan")
    if isinstance(plan, str):
        count_category(row.plans, plan)
    return surroundings


def _note_purchase(row: UserRow, described: Mapping[str, Any], at: float) -> None:
    revenue = properties.revenue_of(described)
    windows.add_purchase(row.tiles, at, row.last_at, revenue)
    row.orders.add(revenue)
    row.spending.add(revenue, at, SPENDING_HALF_LIFE)
    weight = properties.INTEREST_WEIGHTS[properties.PURCHASE]
    for product in properties.products_of(described):
        _note_interest(row, product, weight, at)
        bought = properties.item_id(product)
        if bought is not None:
            row.bought_items.append(bought)
    del row.bought_items[:-MAX_RECENT_ITEMS]


def _note_interest(row: UserRow, described: Mapping[str, Any], weight: float, at: float) -> None:
    category, brand = described.get("category"), described.get("brand")
    if isinstance(category, str):
        add_interest(row.interests, CATEGORY, (category,), weight, at)
    if isinstance(brand, str):
        add_interest(row.interests, BRAND, (brand,), weight, at)
    if "tags" in described:
        add_interest(row.interests, TAG, properties.tags_of(described), weight, at)


def _note_search(
    row: UserRow, surroundings: Surroundings, query: str | None, at: float, cleaner: Cleaner
) -> None:
    terms = surroundings.search_terms
    if query:
        terms = (*terms, *cleaner.search_terms(query))
    if terms:
        add_interest(row.interests, SEARCH, terms, 1.0, at)


def _count_kind(kinds: dict[str, Kind], name: str, at: float) -> None:
    kind = kinds.get(name)
    if kind is None:
        kinds[name] = Kind(1, at)
    else:
        kind.count += 1
        kind.last_at = max(kind.last_at, at)


def _unless_personal(text: str | None) -> str | None:
    return None if text is None or is_personal(text) else text


def _count_action(row: UserRow, name: str, at: float) -> None:
    if name not in row.actions and is_personal(name):
        return
    if name not in row.actions and len(row.actions) >= MAX_TOP_NAMES:
        stalest = min(row.actions, key=lambda other: (row.actions[other].last_at, other))
        del row.actions[stalest]
    _count_kind(row.actions, name, at)


def _note_traits(row: UserRow, event: IdentifyEvent | GroupEvent) -> None:
    group = event.traits.get("control_group", event.traits.get("controlGroup"))
    if isinstance(group, str) and len(group) <= properties.MAX_TRAIT_LENGTH and not is_personal(group):
        row.control_group = group
    elif isinstance(group, bool):
        row.control_group = "control" if group else ""
    for name, value in properties.traits_of(event.traits).items():
        if name in row.traits or len(row.traits) < MAX_TRAITS:
            row.traits[name] = value
