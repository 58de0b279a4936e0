"""Fingerprints of recent events and orders, by which a row recognises repeats.

A repeat has its original's event time, so events older than the watermark need not be remembered: their
repeats would be refused as late. An order may be repeated much later with another message id, for example
when a confirmation page is reloaded, so the newest orders are remembered regardless of age.
"""

from __future__ import annotations

from stream_app.features.user_row import MAX_ORDER_IDS, MAX_RECENT_IDS, UserRow

IDS_BETWEEN_LOOKS = 32


def is_known(row: UserRow, event_fingerprint: int, order_fingerprint: int | None) -> bool:
    """Whether the row already includes the event, or the order that it reports."""
    return event_fingerprint in row.recent_ids or order_fingerprint in row.order_ids


def remember_order(row: UserRow, fingerprint: int) -> None:
    """Remember an order that is new to the row."""
    row.order_ids = [*row.order_ids, fingerprint][-MAX_ORDER_IDS:]


def remember(row: UserRow, fingerprint: int, at: float, watermark: float) -> bool:
    """Remember an event at `at` that is new to the row; times are epoch seconds.

    Returns whether the row, which remembers `MAX_RECENT_IDS`, had to forget an event whose repeat would be
    counted again.
    """
    if len(row.recent_ids) % IDS_BETWEEN_LOOKS == IDS_BETWEEN_LOOKS - 1:
        forget_before(row, watermark)
    is_short_of_room = False
    if len(row.recent_ids) >= MAX_RECENT_IDS:
        oldest = next(iter(row.recent_ids))
        is_short_of_room = row.recent_ids.pop(oldest) >= watermark
    row.recent_ids[fingerprint] = at
    return is_short_of_room


def forget_before(row: UserRow, watermark: float) -> None:
    """Forget events whose repeats would be refused as late."""
    row.recent_ids = {seen: at for seen, at in row.recent_ids.items() if at >= watermark}
