"""Detects stalls: records are waiting, and none is processed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

Place = TypeVar("Place")


class Backlog(NamedTuple):
    """Offsets of one partition: after the last processed record, and after the last existing one."""

    handled: int
    end: int


class _Wait(NamedTuple):
    handled: int
    seconds: float


class Watchdog(Generic[Place]):
    """Measures for how long each place has had a backlog that does not shrink.

    Each check counts at most `longest_step` seconds, because a process that was frozen itself, or a machine
    that slept, has not stalled.
    """

    def __init__(self, longest_step: float) -> None:
        self._longest_step = longest_step
        self._waits: dict[Place, _Wait] = {}
        self._looked_at: float | None = None
        self._excuse: object = None

    def look(self, backlogs: Mapping[Place, Backlog], now: float, excuse: object = None) -> None:
        """Check the backlogs at `now`, in seconds of a monotonic clock.

        While `excuse` changes, other work with priority is making progress, such as the recovery of rows.
        """
        elapsed = 0.0 if self._looked_at is None else min(now - self._looked_at, self._longest_step)
        self._looked_at = now
        before = self._waits if excuse == self._excuse else {}
        self._excuse = excuse
        self._waits = {}
        for place, (handled, end) in backlogs.items():
            if handled < end:
                wait = before.get(place)
                goes_on = wait is not None and wait.handled == handled
                self._waits[place] = _Wait(handled, wait.seconds + elapsed if wait and goes_on else 0.0)

    @property
    def longest_wait(self) -> float:
        """The longest time in seconds that a place has been waiting; 0 if none is."""
        return max((wait.seconds for wait in self._waits.values()), default=0.0)

    def waiting(self, longer_than: float) -> dict[Place, float]:
        """Places that have been waiting longer than so many seconds, and how long."""
        return {place: wait.seconds for place, wait in self._waits.items() if wait.seconds > longer_than}
