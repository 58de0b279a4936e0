"""Rate limits: a token bucket per client, in a map of bounded size."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

from stream_app.serving.collector.refusals import RefusalReason, RefusedError

MAX_CLIENTS = 10_000


class TokenBuckets:
    """One bucket of `burst` tokens per client, refilled at `rate` tokens a second.

    `clock` returns seconds. If there are too many clients, the longest idle one is forgotten, whose bucket
    has had the most time to refill.
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float], max_clients: int = MAX_CLIENTS
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._max_clients = max_clients
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def spend(self, client: Hashable, tokens: int) -> None:
        """Take tokens out of a client's bucket.

        A full bucket can be overdrawn; the debt must then be refilled first.

        Raises:
            RefusedError: too few are left; the error says in how many seconds there will be enough.
        """
        now = self._clock()
        left, filled_at = self._buckets.pop(client, (float(self._burst), now))
        left = min(left + max(now - filled_at, 0.0) * self._rate, float(self._burst))
        needed = min(tokens, self._burst)
        is_enough = left >= needed
        self._buckets[client] = (left - tokens if is_enough else left, now)
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        if not is_enough:
            wait = max(math.ceil((needed - left) / self._rate), 1)
            raise RefusedError(RefusalReason.RATE, f"too many events: send again in {wait} s", wait)
