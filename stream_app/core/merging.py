"""Merges two rows of one user, as if all events had gone to one row, as far as rows can tell."""

from __future__ import annotations

from stream_app.core import watching
from stream_app.features import automation, content, sessions, windows
from stream_app.features.calendar import note_day
from stream_app.features.declared import rows as declared
from stream_app.features.funnel import MAX_CART_ITEMS, Funnel
from stream_app.features.interests import merge_interests
from stream_app.features.statistics import Shares, count_category
from stream_app.features.user_row import (
    ACTIVITY_HALF_LIFE,
    MAX_ORDER_IDS,
    MAX_RECENT_IDS,
    MAX_RECENT_ITEMS,
    MAX_SENT_LISTS,
    MAX_TOP_NAMES,
    MAX_TRAITS,
    SPENDING_HALF_LIFE,
    Kind,
    UserRow,
)
from stream_app.intake.consent import UNSAID
from stream_app.learning import moments
from stream_app.schemas.envelopes import Cause
from stream_app.settings.rules import Rules


def merge_rows(row: UserRow, other: UserRow, cause: Cause, rules: Rules) -> None:
    """Merge another row of the same user into `row`; `cause` is the record that brings it.

    Counts, windows, shares and sums are those of all events together. Lists of the newest items are
    concatenated in the order of the rows' last uses, because a row keeps no times with them. The tier,
    recommendations and consent of `row` are kept.
    """
    if rules.definitions.features or row.declared is not None:
        declared.join(row, other, rules.definitions)
    is_newer = other.last_at > row.last_at
    _merge_times(row, other)
    _merge_counts(row, other)
    windows.merge(row.tiles, other.tiles)
    windows.prune(row.tiles, row.last_at)
    automation.join(row, other)
    row.activity.merge(other.activity, ACTIVITY_HALF_LIFE)
    row.spending.merge(other.spending, SPENDING_HALF_LIFE)
    sessions.join(row, other.open_sessions, cause.topic, cause.offset, rules)
    row.session_durations.merge(other.session_durations)
    row.session_page_views.merge(other.session_page_views)
    row.session_gaps.merge(other.session_gaps)
    row.last_session_end = max(row.last_session_end, other.last_session_end)
    row.orders.merge(other.orders)
    row.funnel = _merge_funnels(row.funnel, other.funnel)
    merge_interests(row.interests, other.interests)
    older, newer = (row, other) if is_newer else (other, row)
    row.recent_items = (older.recent_items + newer.recent_items)[-MAX_RECENT_ITEMS:]
    row.order_ids = list(dict.fromkeys(older.order_ids + newer.order_ids))[-MAX_ORDER_IDS:]
    row.bought_items = (older.bought_items + newer.bought_items)[-MAX_RECENT_ITEMS:]
    row.time_zone = newer.time_zone or older.time_zone
    for name, trait in other.traits.items():
        if len(row.traits) < MAX_TRAITS:
            row.traits.setdefault(name, trait)
    if row.consent == UNSAID:
        row.consent, row.consent_at = other.consent, other.consent_at
    row.is_identified = row.is_identified or other.is_identified
    row.control_group = row.control_group or other.control_group
    row.linked = {**other.linked, **row.linked}
    row.sent_lists = sorted([*other.sent_lists, *row.sent_lists], key=lambda sent: sent.at)[-MAX_SENT_LISTS:]
    row.moments = moments.merge(row.moments, other.moments)
    moments.note_use(row, row.last_at, False, rules)
    moments.note_use(row, other.last_at, False, rules)
    moments.note_use(row, other.funnel.ordered_at, True, rules)
    if other.next_moment_at and not row.next_moment_at:
        row.next_moment_at = other.next_moment_at
    content.merge(row, other, rules)
    if rules.definitions.audiences:
        watching.join(row, other, cause, rules)


def _merge_times(row: UserRow, other: UserRow) -> None:
    row.first_at = min(row.first_at or other.first_at, other.first_at or row.first_at)
    row.last_at = max(row.last_at, other.last_at)
    row.seen_at = max(row.seen_at, other.seen_at)
    newest = sorted({**other.recent_ids, **row.recent_ids}.items(), key=lambda seen: (seen[1], seen[0]))
    row.recent_ids = dict(newest[-MAX_RECENT_IDS:])
    if other.last_active_day:
        _merge_days(row, other)


def _merge_days(row: UserRow, other: UserRow) -> None:
    """Days on which both were active count once, as far back as the rows know."""
    apart = row.last_active_day - other.last_active_day
    mine, theirs = row.active_day_bits, other.active_day_bits
    shared = mine & theirs << apart if apart >= 0 else mine << -apart & theirs
    row.active_days += other.active_days - shared.bit_count()
    for behind in range(theirs.bit_length()):
        if theirs >> behind & 1:
            row.active_day_bits, row.last_active_day = note_day(
                row.active_day_bits, row.last_active_day, other.last_active_day - behind
            )


def _merge_counts(row: UserRow, other: UserRow) -> None:
    _merge_kinds(row.kinds, other.kinds)
    _merge_kinds(row.actions, other.actions)
    for name in sorted(row.actions, key=lambda name: (row.actions[name].last_at, name))[:-MAX_TOP_NAMES]:
        del row.actions[name]
    for name in ("devices", "browsers", "systems", "countries", "plans", "referrers"):
        _merge_shares(getattr(row, name), getattr(other, name))
    row.hours = [mine + theirs for mine, theirs in zip(row.hours, other.hours, strict=True)]
    row.weekdays = [mine + theirs for mine, theirs in zip(row.weekdays, other.weekdays, strict=True)]
    for name, count in other.top_items.items():
        row.top_items[name] = row.top_items.get(name, 0) + count
    for name in sorted(row.top_items, key=lambda name: (-row.top_items[name], name))[MAX_TOP_NAMES:]:
        del row.top_items[name]


def _merge_kinds(kinds: dict[str, Kind], other: dict[str, Kind]) -> None:
    for name, kind in other.items():
        known = kinds.setdefault(name, Kind(0, kind.last_at))
        known.count += kind.count
        known.last_at = max(known.last_at, kind.last_at)


def _merge_shares(shares: Shares, other: Shares) -> None:
    for category, count in other.items():
        count_category(shares, category, count)


def _merge_funnels(funnel: Funnel, other: Funnel) -> Funnel:
    """The later of the two funnels, with the items of both carts, except those ordered since."""
    ordered_at = max(funnel.ordered_at, other.ordered_at)
    older, newer = (funnel, other) if other.reached_at > funnel.reached_at else (other, funnel)
    cart = [item for item in older.cart if item not in newer.cart] if older.reached_at > ordered_at else []
    return Funnel(newer.stage, newer.reached_at, ordered_at, (cart + newer.cart)[-MAX_CART_ITEMS:])
