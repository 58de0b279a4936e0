"""Who falls due when, in event time."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import compress

import numpy as np
from numpy.typing import NDArray


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

    def hold(self, user_keys: Sequence[str], due: NDArray[np.float64]) -> None:
        """Remember a time for each of many users of whom none is known; NaN stands for none."""
        has_time = ~np.isnan(due)
        scheduled = list(zip(due[has_time].tolist(), compress(user_keys, has_time.tolist()), strict=True))
        self._queue += scheduled
        heapify(self._queue)
        self._scheduled.update((user_key, due_at) for due_at, user_key in scheduled)

    def is_due(self, until: float) -> bool:
        """Whether anything may be due by then."""
        return bool(self._queue) and self._queue[0][0] <= until

    def pop_due(self, until: float) -> list[str]:
        """Users of whom something may be due by then, in no order that matters; each is forgotten here."""
        due: list[str] = []
        while self._queue and self._queue[0][0] <= until:
            due_at, user_key = heappop(self._queue)
            if self._scheduled.get(user_key) == due_at:
                del self._scheduled[user_key]
                due.append(user_key)
        return due
