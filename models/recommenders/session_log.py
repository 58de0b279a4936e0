"""The most recent sessions with their contexts and owners, indexed by item and by owner."""

from collections.abc import Hashable, Sequence
from typing import Self, TypeVar

import msgspec

from stream_app.models.recommenders.context import Context
from stream_app.models.recommenders.session_index import owner_key

Key = TypeVar("Key", bound=Hashable)


class LoggedSession(msgspec.Struct, frozen=True, array_like=True):
    """A closed session; `categories` are parallel to the items, as known at the time.

    `owner` is a digest, 0 for nobody; `ended_at` is in epoch seconds.
    """

    ended_at: float
    owner: int
    context: Context
    items: tuple[str, ...]
    categories: tuple[str | None, ...]


class SessionLogState(msgspec.Struct):
    """The sessions by number, oldest first."""

    limit: int
    next_number: int
    evictions: int
    sessions: dict[int, LoggedSession]


class SessionLog:
    """At most `limit` sessions; the oldest is dropped. Numbers count from the first session ever logged."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a log needs room for one session at least, not {limit}")
        self.limit = limit
        self.evictions = 0
        self.sessions: dict[int, LoggedSession] = {}
        self._next_number = 0
        self._by_item: dict[str, dict[int, None]] = {}
        self._by_owner: dict[int, dict[int, None]] = {}

    def append(self, session: LoggedSession) -> LoggedSession | None:
        """Log a session and return the one dropped for it."""
        evicted = None
        if len(self.sessions) >= self.limit:
            evicted = self._remove(next(iter(self.sessions)))
            self.evictions += 1
        self._insert(self._next_number, session)
        self._next_number += 1
        return evicted

    def with_item(self, item: str, most: int) -> list[LoggedSession]:
        """Return at most `most` sessions with an item, most recent first."""
        return self._latest(self._by_item.get(item, {}), most)

    def sessions_with(self, item: str) -> int:
        """Return the number of sessions with an item."""
        return len(self._by_item.get(item, ()))

    def knows(self, owner: str) -> bool:
        """Return whether the log has any session of an owner."""
        return owner_key(owner) in self._by_owner

    def items_of(self, owner: str, most: int) -> list[str]:
        """Return an owner's most recent distinct items, latest last."""
        latest: dict[str, None] = {}
        for session in self._latest(self._by_owner.get(owner_key(owner), {}), most):
            latest |= dict.fromkeys(reversed(session.items))
            if len(latest) >= most:
                break
        return list(latest)[:most][::-1]

    def forget(self, owner: str) -> list[LoggedSession]:
        """Remove an owner's sessions and return them."""
        return [self._remove(number) for number in list(self._by_owner.get(owner_key(owner), {}))]

    def to_state(self) -> SessionLogState:
        """Return all sessions."""
        return SessionLogState(self.limit, self._next_number, self.evictions, self.sessions)

    @classmethod
    def from_state(cls, state: SessionLogState) -> Self:
        """Restore what `to_state` returned."""
        log = cls(state.limit)
        for number, session in state.sessions.items():
            log._insert(number, session)
        log._next_number, log.evictions = state.next_number, state.evictions
        return log

    def _insert(self, number: int, session: LoggedSession) -> None:
        self.sessions[number] = session
        for item in set(session.items):
            self._by_item.setdefault(item, {})[number] = None
        if session.owner:
            self._by_owner.setdefault(session.owner, {})[number] = None

    def _remove(self, number: int) -> LoggedSession:
        session = self.sessions.pop(number)
        for item in set(session.items):
            _drop(self._by_item, item, number)
        if session.owner:
            _drop(self._by_owner, session.owner, number)
        return session

    def _latest(self, numbers: dict[int, None], most: int) -> list[LoggedSession]:
        latest: list[LoggedSession] = []
        for number in reversed(numbers):
            if len(latest) >= most:
                break
            latest.append(self.sessions[number])
        return latest


def logged_session(
    items: Sequence[str],
    categories: Sequence[str | None],
    ended_at: float,
    owner: str | None,
    context: Context,
) -> LoggedSession:
    """Return a session as the log stores it, with a digest instead of its owner's name."""
    digest = 0 if owner is None else owner_key(owner)
    return LoggedSession(ended_at, digest, context, tuple(items), tuple(categories))


def _drop(lists: dict[Key, dict[int, None]], key: Key, number: int) -> None:
    del lists[key][number]
    if not lists[key]:
        del lists[key]
