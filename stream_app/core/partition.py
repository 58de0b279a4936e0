"""What the core knows about one partition besides its rows: watermark, position and due times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from itertools import compress

import msgspec

from stream_app.core.erasures import Erasures
from stream_app.core.row_times import Times, outlooks_due, sessions_due, starts_due
from stream_app.core.support import Leaps, doubt, support
from stream_app.core.timers import Timers
from stream_app.features import content, sessions
from stream_app.features.user_row import OpenSession, UserRow
from stream_app.learning import moments
from stream_app.schemas.envelopes import Cause
from stream_app.settings.rules import DAY, Rules


class PartitionMeta(msgspec.Struct, array_like=True):
    """Stored with the rows and written after them: every row contains at least what this says."""

    version: int = 1
    applied: dict[str, int] = {}
    highest_at: float = 0.0
    leaps: Leaps = msgspec.field(default_factory=Leaps)
    swept: dict[str, int] = {}  # examples seen by each model when all users were last rescored


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PartitionMeta)


class Partition:
    """The moving state of one partition.

    The watermark (epoch seconds) trails the highest event time by the allowed lateness: older events are
    late, and sessions that end before it are closed. `place_of` gives the partition of a user's id.
    """

    def __init__(
        self,
        number: int,
        rules: Rules,
        meta: bytes | None = None,
        place_of: Callable[[str], int] = lambda _: 0,
    ) -> None:
        self.number = number
        self.place_of = place_of
        self.meta = _decoder.decode(meta) if meta is not None else PartitionMeta()
        self.erasures = Erasures()
        self._rules = rules
        self.sessions = Timers()
        self.outlooks = Timers()
        self.item_starts = Timers()
        self.audiences = Timers()
        # One entry per user: a day not after their last event's, which is looked up when the entry comes up.
        self._idle_since: list[tuple[int, str]] = []
        self._unsent: list[str] = []
        self._dropped: set[str] = set()  # users among these entries who are no longer held

    def encode_meta(self) -> bytes:
        """Encode the stored part; timers are rebuilt from the times of the rows."""
        return _encoder.encode(self.meta)

    @property
    def watermark(self) -> float:
        """Events before this time (epoch seconds) are late."""
        return self.meta.highest_at - self._rules.allowed_lateness

    def schedule(self, user_key: str, row: UserRow) -> None:
        """Schedule the end of the user's next session, and the next moment, label or outcome."""
        session_due = sessions.next_due(row, self._rules)
        if session_due is not None:
            self.sessions.schedule(user_key, session_due)
        outlook_due = moments.next_due(row, self._rules)
        if outlook_due is not None:
            self.outlooks.schedule(user_key, outlook_due)
        self.schedule_starts(user_key, row)
        self.schedule_audiences(user_key, row)

    def schedule_audiences(self, user_key: str, row: UserRow) -> None:
        """Remember when something of the user's audiences is due."""
        if row.audiences is not None and row.audiences.due_at:
            self.audiences.schedule(user_key, row.audiences.due_at)

    def schedule_starts(self, user_key: str, row: UserRow) -> None:
        """Schedule the outcomes of items that the user started."""
        start_due = content.next_due(row, self._rules)
        if start_due is not None:
            self.item_starts.schedule(user_key, start_due)

    def schedule_session(self, user_key: str, session: OpenSession) -> None:
        """Schedule the end of a session that an event has just extended."""
        self.sessions.schedule(user_key, sessions.due_at(session, self._rules))

    def schedule_start(self, user_key: str, started_at: float) -> None:
        """Schedule the outcome of an item that was just started."""
        self.item_starts.schedule(user_key, content.due_after(started_at, self._rules))

    def advance(self, at: float, witness: str | None = None) -> bool:
        """Note an event time; return whether the watermark has passed anything scheduled.

        If no receipt time bounds it, `witness` is the user whose event states the time.
        """
        if witness is not None:
            if at <= self.meta.highest_at + self._rules.allowed_lateness:
                doubt(self.meta.leaps)
            else:
                at = support(self.meta.leaps, witness, at, self.users) or 0.0
        if at <= self.meta.highest_at:
            return False
        self.meta.highest_at = at
        watermark = at - self._rules.allowed_lateness
        return (
            self.sessions.is_due(watermark)
            or self.outlooks.is_due(watermark)
            or self.item_starts.is_due(watermark)
            or self.audiences.is_due(watermark)
            or (
                bool(self._idle_since)
                and (self._idle_since[0][0] + 1) * DAY <= watermark - self._rules.row_validity
            )
        )

    def hold(self, user_keys: Sequence[str], times: Times) -> None:
        """Load the times of stored rows after a start or a move of the partition."""
        days = times["seen_at"] // DAY
        self._idle_since += zip(days.astype(int).tolist(), user_keys, strict=True)
        heapify(self._idle_since)
        self.sessions.hold(user_keys, sessions_due(times, self._rules))
        self.outlooks.hold(user_keys, outlooks_due(times, self._rules))
        self.item_starts.hold(user_keys, starts_due(times, self._rules))
        self.audiences.hold(user_keys, times["audience_at"])
        self._unsent += compress(user_keys, times["has_outgoing"].tolist())

    @property
    def has_unsent(self) -> bool:
        """Whether a row may have a history that was not sent before the last shutdown."""
        return bool(self._unsent)

    def pop_unsent(self) -> list[str]:
        """Return the keys of these rows and forget them."""
        taken, self._unsent = self._unsent, []
        return taken

    def newest_cause(self, row: UserRow) -> Cause:
        """The position of the newest record that is part of a row."""
        topic, offset = max(row.applied.items(), key=lambda applied: (applied[1], applied[0]))
        return Cause(topic, self.number, offset)

    def user_keys(self) -> list[str]:
        """The users that the partition holds, in no order that matters."""
        dropped = set(self._dropped)
        keys = []
        for _, user_key in self._idle_since:
            if user_key in dropped:
                dropped.remove(user_key)
            else:
                keys.append(user_key)
        return keys

    @property
    def users(self) -> int:
        """How many users the partition holds."""
        return len(self._idle_since) - len(self._dropped)

    def add_user(self, user_key: str, row: UserRow) -> None:
        """Count one more user as held."""
        if user_key in self._dropped:
            self._dropped.remove(user_key)
        else:
            heappush(self._idle_since, (_day_of(row), user_key))

    def drop_user(self, user_key: str) -> None:
        """Remove a user."""
        self._dropped.add(user_key)

    def pop_idlest(self, row_of: Callable[[str], UserRow | None]) -> str:
        """Remove and return the user whose last event is the most days ago, ties by key."""
        while True:
            self._skip_dropped()
            day, user_key = self._idle_since[0]
            row = row_of(user_key)
            if row is None or _day_of(row) == day:
                heappop(self._idle_since)
                return user_key
            heapreplace(self._idle_since, (_day_of(row), user_key))

    def pop_expired(self, watermark: float, row_of: Callable[[str], UserRow | None]) -> list[str]:
        """Remove and return the users whose rows are no longer valid at the watermark."""
        last_day = self._last_valid_day(watermark)
        expired: list[str] = []
        self._skip_dropped()
        while self._idle_since and self._idle_since[0][0] < last_day:
            user_key = self.pop_idlest(row_of)
            row = row_of(user_key)
            if row is None or _day_of(row) < last_day:
                expired.append(user_key)
            else:
                self.add_user(user_key, row)
            self._skip_dropped()
        return expired

    def _last_valid_day(self, watermark: float) -> int:
        return int((watermark - self._rules.row_validity) // DAY)

    def _skip_dropped(self) -> None:
        while self._idle_since and self._idle_since[0][1] in self._dropped:
            self._dropped.remove(heappop(self._idle_since)[1])


def _day_of(row: UserRow) -> int:
    return int(row.seen_at // DAY)
