"""Who falls due when, in event time."""

from __future__ import annotations

from heapq import heappop, heappush


class Timers:
    """One time a user, at which something of theirs may be due. Times are epoch seconds of the watermark."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, str]] = []
        self._scheduled: dict[str, float] = {}

    def schedule(self, user_key: str, due: float) -> None:
        """Remember the earlier of this time and the one that is known; too early does no harm."""
        known = self._scheduled.get(user_key)
        if known is None or due < known:
            self._scheduled[user_key] = due
            heappush(self._queue, (due, user_key))

    def is_due(self, until: float) -> bool:
        """Whether anything may be due by then."""
        return bool(self._queue) and self._queue[0][0] <= until

    def take_due(self, until: float) -> list[str]:
        """Users of whom something may be due by then, in no order that matters; each is forgotten here."""
        due: list[str] = []
        while self._queue and self._queue[0][0] <= until:
            due_at, user_key = heappop(self._queue)
            if self._scheduled.get(user_key) == due_at:
                del self._scheduled[user_key]
                due.append(user_key)
        return due
