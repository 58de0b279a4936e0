"""Whether a user is a bot: the automated share of recent activity, not a permanent mark.

Shared machines, a server that sends for its users, or one odd client may look like a bot once; a bot does so
again and again.
"""

from __future__ import annotations

from stream_app.features.statistics import DecayedSum
from stream_app.features.user_row import ACTIVITY_HALF_LIFE, UserRow

BOT_SHARE = 0.5  # share of uses, whose weights halve every `ACTIVITY_HALF_LIFE`


def note_client(row: UserRow, is_bot: bool, at: float) -> None:
    """Note the client of an event at `at` (epoch seconds), before the event is counted as activity."""
    if not is_bot and not row.is_bot and not row.automated.value:
        return  # a shortcut for nearly all users
    _believe_older_mark(row)
    if is_bot:
        row.automated.add(1.0, at, ACTIVITY_HALF_LIFE)
    activity = row.activity.read(at, ACTIVITY_HALF_LIFE) + 1.0
    row.is_bot = row.automated.read(at, ACTIVITY_HALF_LIFE) >= BOT_SHARE * activity


def join(row: UserRow, other: UserRow) -> None:
    """Merge the automated activity of another row of the user, before its activity is merged."""
    if not row.is_bot and not other.is_bot and not row.automated.value and not other.automated.value:
        return
    _believe_older_mark(row)
    _believe_older_mark(other)
    row.automated.merge(other.automated, ACTIVITY_HALF_LIFE)
    at = max(row.activity.at, other.activity.at, row.automated.at)
    activity = sum(known.activity.read(at, ACTIVITY_HALF_LIFE) for known in (row, other))
    row.is_bot = row.automated.read(at, ACTIVITY_HALF_LIFE) >= BOT_SHARE * activity


def _believe_older_mark(row: UserRow) -> None:
    """In rows of older versions the mark was permanent: treat all their activity so far as automated."""
    if row.is_bot and not row.automated.value:
        row.automated = DecayedSum(row.activity.value, row.activity.at)
