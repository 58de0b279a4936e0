"""When users fall due, in event time."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import compress

import numpy as np
from numpy.typing import NDArray


class Timers:
    """One time per user, at which something may be due. Times are epoch seconds of the watermark."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, str]] = []
        self._scheduled: dict[str, float] = {}

    def schedule(self, user_key: str, due: float) -> None:
        """Keep the earlier of this time and the known one; being too early is harmless."""
        known = self._scheduled.get(user_key)
        if known is None or due < known:
            self._scheduled[user_key] = due
            heappush(self._queue, (due, user_key))

    def hold(self, user_keys: Sequence[str], due: NDArray[np.float64]) -> None:
        """Set times for many new users; NaN means none."""
        has_time = ~np.isnan(due)
        scheduled = list(zip(due[has_time].tolist(), compress(user_keys, has_time.tolist()), strict=True))
        self._queue += scheduled
        heapify(self._queue)
        self._scheduled.update((user_key, due_at) for due_at, user_key in scheduled)

    def is_due(self, until: float) -> bool:
        """Whether anything may be due by then."""
        return bool(self._queue) and self._queue[0][0] <= until

    def pop_due(self, until: float) -> list[str]:
        """Remove and return the users for whom something may be due by then, in no particular order."""
        due: list[str] = []
        while self._queue and self._queue[0][0] <= until:
            due_at, user_key = heappop(self._queue)
            if self._scheduled.get(user_key) == due_at:
                del self._scheduled[user_key]
                due.append(user_key)
        return due
