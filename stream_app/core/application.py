"""Applies one event to one row: the only way in which events change a row's features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stream_app.core import watching
from stream_app.features import content, sessions, windows
from stream_app.features.declared import rows as declared
from stream_app.features.distinct import bit_of
from stream_app.features.finished_sessions import FinishedSession, finish_by_summary
from stream_app.features.funnel import note_step
from stream_app.features.interests import FIELD, SEARCH, add_interest, note_interest
from stream_app.features.statistics import count_top
from stream_app.features.traits import note_context_traits, note_traits
from stream_app.features.user_row import (
    ACTIVITY_HALF_LIFE,
    MAX_RECENT_ITEMS,
    MAX_TOP_NAMES,
    SPENDING_HALF_LIFE,
    Kind,
    OpenSession,
    UserRow,
)
from stream_app.features.uses import note_use
from stream_app.intake import observations, properties
from stream_app.intake.decoding import TimedEvent
from stream_app.intake.personal_text import is_personal
from stream_app.intake.ports import Cleaner, Surroundings
from stream_app.intake.wire import (
    CallContext,
    GroupCall,
    IdentifyCall,
    PageCall,
    ScreenCall,
    SessionCall,
    TrackCall,
)
from stream_app.learning import moments
from stream_app.schemas.envelopes import Cause
from stream_app.settings.rules import Rules

_NOWHERE = CallContext()
_Use = PageCall | ScreenCall | TrackCall


class Applied(msgspec.Struct, frozen=True):
    """What an event showed, in addition to its changes of the row."""

    item: str | None = None
    session: OpenSession | None = None
    finished: FinishedSession | None = None
    has_started: bool = False


_NOTHING = Applied()


def apply_event(row: UserRow, timed: TimedEvent, cause: Cause, cleaner: Cleaner, rules: Rules) -> Applied:
    """Add one event to the row: all that is counted, and the features that a company declares."""
    if rules.definitions.audiences and row.audiences is not None:
        watching.age(row, timed.at, rules)
    if rules.definitions.features or row.declared is not None:
        declared.note_event(row, timed.event, timed.at, not row.kinds, rules.definitions)
    applied = _apply(row, timed, cause, cleaner, rules)
    if rules.definitions.audiences:
        watching.note_event(row, timed.event, timed.at, cause, rules)
    return applied


def _apply(row: UserRow, timed: TimedEvent, cause: Cause, cleaner: Cleaner, rules: Rules) -> Applied:
    event, at, context = timed.event, timed.at, timed.event.context
    if context is not None and (context.traits is not None or context.traits_once is not None):
        note_context_traits(row, context)
    observed = observations.name_of(event.event) if type(event) is TrackCall else None
    if observed is not None:
        _count_kind(row.kinds, observed, at)
        return _observe(row, observed, context, cause, at, rules)
    _count_kind(row.kinds, event.type, at)
    # Nothing inherits from these types, and `isinstance` with several of them takes ten times as long.
    if type(event) is PageCall or type(event) is TrackCall or type(event) is ScreenCall:
        return _apply_use(row, event, at, cause, cleaner, rules)
    if isinstance(event, SessionCall):
        surroundings = note_use(row, event.context or _NOWHERE, at, cleaner)
        _note_search(row, surroundings, event.properties.search_query, at, cleaner)
        if row.moments:
            moments.note_use(row, at, False, rules)
        return Applied(finished=finish_by_summary(row, event, at, cause.offset, rules))
    if isinstance(event, IdentifyCall | GroupCall):
        note_traits(row, event.traits)
    return _NOTHING


def _apply_use(row: UserRow, event: _Use, at: float, cause: Cause, cleaner: Cleaner, rules: Rules) -> Applied:
    """Apply a user's action: a page or screen view, or anything else."""
    action = event.event if type(event) is TrackCall else None
    if action is not None:
        _count_action(row, action, at)
        if action == properties.ORDER_LINE:
            _note_bought(row, event.properties, at)
            return _NOTHING
        if action in properties.PASSIVE_EVENTS:
            return _NOTHING
    surroundings = note_use(row, event.context or _NOWHERE, at, cleaner)
    item = properties.item_id(event.properties)
    has_started = _note_looks(row, event, action, item, at, rules)
    if action is not None:
        note_step(row.funnel, action, item, at)
        _note_action(row, action, event.properties, at)
        _note_search(row, surroundings, properties.search_of(event.properties), at, cleaner)
        if action in properties.CART_EVENTS:
            item = None
    else:
        note_interest(row.interests, event.properties, 1.0, at)
        if surroundings.search_terms:
            add_interest(row.interests, SEARCH, surroundings.search_terms, 1.0, at)
    if surroundings.fields:
        add_interest(row.interests, FIELD, surroundings.fields, 1.0, at)
    if item is not None:
        row.recent_items.append(item)
        del row.recent_items[:-MAX_RECENT_ITEMS]
        count_top(row.top_items, item, MAX_TOP_NAMES)
    return Applied(item, _extend_session(row, event, item, at, cause, rules), has_started=has_started)


def _observe(
    row: UserRow, observed: str, context: CallContext | None, cause: Cause, at: float, rules: Rules
) -> Applied:
    """Apply what a tracker sent by itself: no action, but a session continues if the user is still there."""
    if observed not in observations.SHOW_PRESENCE:
        return _NOTHING
    session = sessions.prolong(row, at, cause.topic, cause.offset, _tracker_id(context), rules)
    if session is None:
        return _NOTHING
    row.last_at = max(row.last_at, at)
    if row.item_starts and content.PAGE in rules.content_starts:
        content.note_reading(row, at, rules)
    return Applied(session=session)


def _tracker_id(context: CallContext | None) -> str:
    return str(context.session_id) if context is not None and context.session_id is not None else ""


def _note_looks(
    row: UserRow, event: _Use, action: str | None, item: str | None, at: float, rules: Rules
) -> bool:
    """Count a use in windows, labels and open starts; whether it starts or completes an item."""
    page = properties.page_of(event) if action is None else None
    page_bit = bit_of(page) if page is not None else 0
    item_bit = bit_of(item) if item is not None else 0
    windows.add_event(row.tiles, at, row.last_at, action is None, page_bit, item_bit)
    row.activity.add(1.0, at, ACTIVITY_HALF_LIFE)
    if row.moments:
        moments.note_use(row, at, action == properties.PURCHASE, rules)
    if row.item_starts and content.PAGE in rules.content_starts:
        content.note_reading(row, at, rules)
    return content.starts_or_completes(action, rules) and content.note_event(row, event, action, at, rules)


def _note_action(row: UserRow, action: str, described: Mapping[str, Any], at: float) -> None:
    if action == properties.PURCHASE:
        _note_purchase(row, described, at)
        return
    # A weight of zero would still evict another name.
    weight = properties.INTEREST_WEIGHTS.get(action) if action in properties.CART_EVENTS else 1.0
    if weight is not None:
        note_interest(row.interests, described, weight, at)


def _note_purchase(row: UserRow, described: Mapping[str, Any], at: float) -> None:
    revenue = properties.revenue_of(described)
    windows.add_purchase(row.tiles, at, row.last_at, revenue)
    row.orders.add(revenue)
    row.spending.add(revenue, at, SPENDING_HALF_LIFE)
    for product in properties.products_of(described):
        _note_bought(row, product, at)


def _note_bought(row: UserRow, product: Mapping[str, Any], at: float) -> None:
    note_interest(row.interests, product, properties.INTEREST_WEIGHTS[properties.PURCHASE], at)
    bought = properties.item_id(product)
    if bought is not None:
        row.bought_items.append(bought)
        del row.bought_items[:-MAX_RECENT_ITEMS]


def _note_search(
    row: UserRow, surroundings: Surroundings, query: str | None, at: float, cleaner: Cleaner
) -> None:
    terms = surroundings.search_terms
    if query:
        terms = (*terms, *cleaner.search_terms(query))
    if terms:
        add_interest(row.interests, SEARCH, terms, 1.0, at)


def _extend_session(
    row: UserRow, event: _Use, item: str | None, at: float, cause: Cause, rules: Rules
) -> OpenSession:
    described, tracker_id = event.properties, _tracker_id(event.context)
    is_page_view = type(event) is not TrackCall
    session = sessions.touch(row, at, cause.topic, cause.offset, tracker_id, is_page_view, item, rules)
    if item is not None:
        sessions.describe(session, item, described.get("category"), described.get("brand"))
    return session


def _count_kind(kinds: dict[str, Kind], name: str, at: float) -> None:
    kind = kinds.get(name)
    if kind is None:
        kinds[name] = Kind(1, at)
    else:
        kind.count += 1
        kind.last_at = max(kind.last_at, at)


def _count_action(row: UserRow, name: str, at: float) -> None:
    if name not in row.actions and is_personal(name):
        return
    if name not in row.actions and len(row.actions) >= MAX_TOP_NAMES:
        stalest = min(row.actions, key=lambda other: (row.actions[other].last_at, other))
        del row.actions[stalest]
    _count_kind(row.actions, name, at)
