"""What the core knows of one partition besides its rows: the watermark, the position, who falls due when."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

import msgspec

from stream_app.core import sessions
from stream_app.core.rules import Rules
from stream_app.core.user_row import UserRow


class PartitionMeta(msgspec.Struct, array_like=True):
    """Stored beside the rows, and written after them: every row contains at least what this says."""

    version: int = 1
    applied: dict[str, int] = {}
    highest_at: float = 0.0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PartitionMeta)


class Partition:
    """The moving state of one partition.

    The watermark (epoch seconds) trails the highest event time by the allowed lateness: what is older
    is late, and sessions that end before it are closed.
    """

    def __init__(self, number: int, rules: Rules, meta: bytes | None = None) -> None:
        self.number = number
        self.meta = _decoder.decode(meta) if meta is not None else PartitionMeta()
        self._rules = rules
        self._timers: list[tuple[float, str]] = []
        self._scheduled: dict[str, float] = {}

    def encode_meta(self) -> bytes:
        """The part that is stored; timers are found again by reading the rows."""
        return _encoder.encode(self.meta)

    @property
    def watermark(self) -> float:
        """Events before this time (epoch seconds) are late."""
        return self.meta.highest_at - self._rules.allowed_lateness

    def schedule(self, user_key: str, row: UserRow) -> None:
        """Remember when the user's next session falls due."""
        due = sessions.next_due(row, self._rules)
        if due is not None and due < self._scheduled.get(user_key, float("inf")):
            self._scheduled[user_key] = due
            heappush(self._timers, (due, user_key))

    def schedule_all(self, rows: Iterable[tuple[str, UserRow]]) -> None:
        """Find the timers of all rows again, after a start or a move of the partition."""
        for user_key, row in rows:
            self.schedule(user_key, row)

    def take_due(self, until: float) -> list[str]:
        """Users of whom something may be due at `until`, in no order that matters; each is forgotten here."""
        due: list[str] = []
        while self._timers and self._timers[0][0] <= until:
            due_at, user_key = heappop(self._timers)
            if self._scheduled.get(user_key) == due_at:
                del self._scheduled[user_key]
                due.append(user_key)
        return due
