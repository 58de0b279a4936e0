"""What a row keeps of the conditions that are watched: plain data, which only a `Watch` reads."""

from __future__ import annotations

import msgspec

from stream_app.conditions.leaves import Memory


class Fact(msgspec.Struct, array_like=True, frozen=True):
    """One moment: which matches an event fulfilled, and which conditions of state held then, as bits."""

    at: float
    matched: int
    states: int


class WatchState(msgspec.Struct, array_like=True):
    """The conditions of one user. Times are epoch seconds.

    `layout` are the versions (4 bytes each) of matches, conditions of state and leaves, in the order of the
    bits and memories. Until `settled_at` nothing can change any more: `states`, `memories` and `members`
    (since when, by version) are as of then; `facts` came since, in order of time. `has_begun` says whether
    any fact is settled.
    """

    layout: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    settled_at: float = 0.0
    states: int = 0
    memories: list[Memory] = []
    members: dict[int, float] = {}
    facts: list[Fact] = []
    has_begun: bool = False
