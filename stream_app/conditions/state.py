"""What a row keeps of the conditions that are watched: plain data, which only a `Watch` reads."""

from __future__ import annotations

import msgspec

from stream_app.conditions.leaves import Memory


class Fact(msgspec.Struct, array_like=True, frozen=True):
    """One moment: which matches an event fulfilled, and which conditions of state held then, as bits.

    `cause` is a number for the record that brought it, which only who notes it can read.
    """

    at: float
    matched: int
    states: int
    cause: int = 0


class WatchState(msgspec.Struct, array_like=True):
    """The conditions of one user. Times are epoch seconds.

    `layout` are the versions (4 bytes each) of matches, conditions of state and leaves, in the order of the
    bits and memories. Until `settled_at` nothing can change any more: `states`, `memories` and `members`
    (since when, by version) are as of then; `facts` came since, in order of time. `has_begun` says whether
    any fact is settled, `last_cause` what brought the last of them.
    """

    layout: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    settled_at: float = 0.0
    states: int = 0
    memories: list[Memory] = []
    members: dict[int, float] = {}
    facts: list[Fact] = []
    has_begun: bool = False
    last_cause: int = 0


class Told(msgspec.Struct, array_like=True, frozen=True):
    """A change of the condition of a version, told before it was settled: it may have to be corrected."""

    at: float
    version: int
    holds: bool
    cause: int

    @property
    def what(self) -> tuple[float, int, bool]:
        """What makes two of them the same: not the record from which it was first known."""
        return self.at, self.version, self.holds


class AudienceState(msgspec.Struct, array_like=True):
    """A user's audiences. Times are epoch seconds of event time, 0.0 for none.

    `due_at`: when something of them may change by time alone, or has yet to be told. `ages_at`: when an
    answer about the row may change. `unsaid` were settled where nothing could be told.
    """

    due_at: float = 0.0
    ages_at: float = 0.0
    watch: WatchState = msgspec.field(default_factory=WatchState)
    told: list[Told] = []
    unsaid: list[Told] = []
