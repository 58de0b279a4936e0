"""What makes a user loyal: a number of uses, each of them a session."""

from __future__ import annotations

from stream_app.features.user_row import UserRow


def count_uses(row: UserRow) -> int:
    """The user's sessions, those that are still open among them."""
    return row.session_durations.count + len(row.open_sessions)


def is_loyal(uses: int, loyal_uses: int) -> bool:
    """Whether a user with so many uses is loyal, which they are from `loyal_uses` on."""
    return uses >= loyal_uses
