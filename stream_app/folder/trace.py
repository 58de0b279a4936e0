"""Where the outputs of each user are, so that nothing must be searched: places only, never what they say."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from stream_app.runtimes.embedded.output_table import StoredOutput

TIER, OUTLOOK, RECOMMENDATIONS = "engagement_tier", "outlook", "recommendations"
CLICK, SESSION, FAILED = "recommendation_click", "closed_session", "failed_event"
ABOUT_USERS = (TIER, OUTLOOK, RECOMMENDATIONS, CLICK, SESSION)
DAY_LENGTH = len("2026-01-31")


class _Seen(msgspec.Struct):
    """The part of an output that is read here."""

    user_key: str | None
    as_of: str
    emitted_at: str
    tier: int = 0
    previous_tier: int | None = None
    probabilities: dict[str, float] = {}
    event_count: int = 0
    reason: str = ""


Flows = Mapping[str, Counter[tuple[int, int]]]


class Standing(NamedTuple):
    """A user's tier, the probability of tier 3 (high), and when (ISO 8601) it was told."""

    tier: int
    engagement: float
    as_of: str


class UserTrace:
    """The places of one user's outputs, oldest first, and of the newest of each schema.

    `changes` are the days (ISO 8601) on which the tier became another, and that tier.
    """

    __slots__ = ("changes", "newest", "sequences", "standing")

    def __init__(self) -> None:
        self.sequences = array("q")
        self.newest: dict[str, int] = {}
        self.standing: Standing | None = None
        self.changes: list[tuple[str, int]] = []


class Traces:
    """Grows with the outputs as they come; after an erasure it is to be built anew.

    By day of event time: `events` counts those of sessions that closed, `made` outputs by schema. `failed`
    counts refused events by reason.
    """

    def __init__(self) -> None:
        self.users: dict[str, UserTrace] = {}
        self.sequence = 0
        self.newest_as_of = ""
        self.newest_emitted_at = ""
        self.counts: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.made: dict[str, Counter[str]] = defaultdict(Counter)
        self._decode = msgspec.json.Decoder(_Seen).decode

    def add(self, outputs: Iterable[StoredOutput]) -> None:
        """Note further outputs, in their order."""
        for sequence, schema, body in outputs:
            self.sequence = sequence
            self.counts[schema] += 1
            seen = self._decode(body)
            self.newest_as_of = max(self.newest_as_of, seen.as_of)
            self.newest_emitted_at = max(self.newest_emitted_at, seen.emitted_at)
            day = seen.as_of[:DAY_LENGTH]
            self.made[day][schema] += 1
            if schema == FAILED:
                self.failed[seen.reason] += 1
            if schema in ABOUT_USERS and seen.user_key is not None:
                self._note(seen.user_key, schema, sequence, seen, day)

    def flows(self, gone: Collection[str]) -> Flows:
        """By day, how many users went from one tier (0: none yet) to another, without those who are gone."""
        found: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
        for user_key, trace in self.users.items():
            if user_key in gone:
                continue
            before = 0
            for day, tier in trace.changes:
                found[day][before, tier] += 1
                before = tier
        return found

    def _note(self, user_key: str, schema: str, sequence: int, seen: _Seen, day: str) -> None:
        trace = self.users.get(user_key)
        if trace is None:
            trace = self.users[user_key] = UserTrace()
        trace.sequences.append(sequence)
        trace.newest[schema] = sequence
        if schema == TIER:
            before = trace.standing.tier if trace.standing else 0
            trace.standing = Standing(seen.tier, seen.probabilities.get("3", 0.0), seen.as_of)
            if before != seen.tier:
                trace.changes.append((day, seen.tier))
        elif schema == SESSION:
            self.events[day] += seen.event_count
