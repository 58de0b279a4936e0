"""What makes a user loyal: a number of uses, each of them a session."""

from __future__ import annotations

from stream_app.features.user_row import UserRow


def count_uses(row: UserRow) -> int:
    """The user's number of sessions, including open ones."""
    return row.session_durations.count + len(row.open_sessions)


def is_loyal(uses: int, loyal_uses: int) -> bool:
    """Whether a user with this many uses is loyal, that is, has at least `loyal_uses`."""
    return uses >= loyal_uses
