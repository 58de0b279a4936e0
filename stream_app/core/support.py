"""Which event time a history supports: what several users' events say, not one wrong date.

Live events are bounded by their receipt. In a history that is replayed the receipt is now, and one date years
ahead of all others would make everything after it late. So a time that leaps ahead counts only once others
follow it.
"""

from __future__ import annotations

import msgspec

NEEDED = 3
# As many in a row are no slip, whoever they are of.
ENOUGH = 12
# So many events that do not follow a leap leave it alone for good.
DOUBTS = 20


class Leaps(msgspec.Struct, array_like=True):
    """Event times ahead of the watermark's that nothing supports yet, with their users, the oldest first."""

    seen: list[tuple[str, float]] = []
    doubts: int = 0


def doubt(leaps: Leaps) -> None:
    """Take note of an event that does not leap."""
    if leaps.seen:
        leaps.doubts += 1
        if leaps.doubts >= DOUBTS:
            leaps.seen, leaps.doubts = [], 0


def support(leaps: Leaps, user_key: str, at: float, users: int) -> float | None:
    """Take note of a leap, and return the time that is supported now, if one is.

    That takes `NEEDED` events of as many users, or of all where there are fewer; or `ENOUGH` in a row of any.
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
