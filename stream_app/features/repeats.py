"""The fingerprints of recent events, by which a row knows an event that comes again.

A repeat has its original's event time, so what is older than the watermark need not be remembered: it would
be refused as late.
"""

from __future__ import annotations

from stream_app.features.user_row import MAX_RECENT_IDS, UserRow

IDS_BETWEEN_LOOKS = 32


def remember(row: UserRow, fingerprint: int, at: float, watermark: float) -> None:
    """Remember an event of time `at` that the row has not seen; times are epoch seconds."""
    if len(row.recent_ids) % IDS_BETWEEN_LOOKS == IDS_BETWEEN_LOOKS - 1:
        forget_before(row, watermark)
    if len(row.recent_ids) >= MAX_RECENT_IDS:
        del row.recent_ids[next(iter(row.recent_ids))]
    row.recent_ids[fingerprint] = at


def forget_before(row: UserRow, watermark: float) -> None:
    """Forget what would be refused as late if it came again."""
    row.recent_ids = {seen: at for seen, at in row.recent_ids.items() if at >= watermark}
