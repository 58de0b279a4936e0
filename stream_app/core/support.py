"""The event time that a history supports: confirmed by several users' events, not by one wrong date.

Live events are bounded by their receipt time. When history is replayed the receipt time is now, and a single
date years ahead would make everything after it late. So a time that leaps ahead counts only once others
confirm it.
"""

from __future__ import annotations

import msgspec

NEEDED = 3
# This many in a row are no accident, whoever they are from.
ENOUGH = 12
# After this many events that do not confirm a leap, it is discarded.
DOUBTS = 20


class Leaps(msgspec.Struct, array_like=True):
    """Unconfirmed event times far ahead of the watermark, with their users, oldest first."""

    seen: list[tuple[str, float]] = []
    doubts: int = 0


def doubt(leaps: Leaps) -> None:
    """Note an event that does not leap."""
    if leaps.seen:
        leaps.doubts += 1
        if leaps.doubts >= DOUBTS:
            leaps.seen, leaps.doubts = [], 0


def support(leaps: Leaps, user_key: str, at: float, users: int) -> float | None:
    """Note a leap, and return the time that is now supported, if any.

    This takes `NEEDED` events from as many users, or from all if there are fewer; or `ENOUGH` in a row from
    any.
    """
    leaps.seen.append((user_key, at))
    newest: dict[str, float] = {}
    for user, time in leaps.seen:
        newest[user] = max(newest.get(user, time), time)
    times = sorted((time for _, time in leaps.seen), reverse=True)
    needed_users = min(NEEDED, max(users, 1))
    if len(times) < NEEDED or (len(newest) < needed_users and len(times) < ENOUGH):
        return None
    by_user = sorted(newest.values(), reverse=True)
    supported = min(times[NEEDED - 1], by_user[min(needed_users, len(by_user)) - 1])
    leaps.seen = [(user, time) for user, time in leaps.seen if time > supported][-ENOUGH:]
    leaps.doubts = 0
    return supported
