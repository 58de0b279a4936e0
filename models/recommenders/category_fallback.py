"""Popularity by category or context: the levels for a new user, a new item or an empty session.

Evidence decays forward (Cormode et al., ICDE 2009): a click's weight depends on its time after a landmark.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

from stream_app.models.recommenders.context import NO_CONTEXT, Context
from stream_app.models.recommenders.decayed_counts import DAY_SECONDS
from stream_app.models.recommenders.grouped_counts import GroupedCounts
from stream_app.models.recommenders.session_log import (
    LoggedSession,
    SessionLog,
    SessionLogState,
    logged_session,
)
from stream_app.models.recommenders.types import ScoredItem

CATEGORY_POPULARITY = "category_popularity"
CONTEXT_POPULARITY = "context_popularity"
UNIT = 1 << 20  # the weight of a click at the landmark
MOST_HALF_LIVES = 512  # after the landmark; everything is then recounted from a later one


@dataclass(frozen=True, slots=True)
class FallbackSettings:
    """Sessions held, clicks kept of each, half-life in days, and clicks that a context needs to be used."""

    sessions: int = 20_000
    clicks_per_session: int = 20
    half_life_days: float = 3.0
    least_clicks: int = 200


class FallbackState(msgspec.Struct):
    """The log, and the landmark in epoch seconds; counts are derived from these."""

    settings: FallbackSettings
    landmark: float | None
    log: SessionLogState


class CategoryFallback:
    """Decayed popularity by category and by context over a bounded log of sessions."""

    def __init__(self, settings: FallbackSettings | None = None) -> None:
        self.settings = settings or FallbackSettings()
        self.log = SessionLog(self.settings.sessions)
        self._landmark: float | None = None
        self._by_category = GroupedCounts()
        self._by_context = GroupedCounts()

    def learn_session(
        self,
        items: Sequence[str],
        categories: Sequence[str | None],
        ended_at: float,
        owner: str | None = None,
        context: Context = NO_CONTEXT,
    ) -> None:
        """Count a closed session; `categories` are parallel to the items."""
        most = self.settings.clicks_per_session
        session = logged_session(items[-most:], categories[-most:], ended_at, owner, context)
        self._advance(ended_at)
        evicted = self.log.append(session)
        if evicted is not None:
            self._subtract(evicted)
        self._add(session)

    def by_category(self, categories: Iterable[str | None]) -> list[ScoredItem]:
        """Return popular items, with their shares, of the first category that has any."""
        for category in categories:
            if category is not None and self._by_category.clicks(category):
                return self._by_category.leaders(category, CATEGORY_POPULARITY)
        return []

    def by_context(self, context: Context) -> list[ScoredItem]:
        """Return popular items of the narrowest part of a context with enough clicks; nothing if none has."""
        for key in context.narrowest_first():
            if self._by_context.clicks(key) >= self.settings.least_clicks:
                return self._by_context.leaders(key, CONTEXT_POPULARITY)
        return []

    def forget(self, owner: str) -> int:
        """Erase an owner's sessions and return how many there were."""
        forgotten = self.log.forget(owner)
        for session in forgotten:
            self._subtract(session)
        return len(forgotten)

    def to_state(self) -> FallbackState:
        """Return everything learned."""
        return FallbackState(self.settings, self._landmark, self.log.to_state())

    @classmethod
    def from_state(cls, state: FallbackState) -> Self:
        """Restore what `to_state` returned."""
        fallback = cls(state.settings)
        fallback.log = SessionLog.from_state(state.log)
        fallback._landmark = state.landmark
        fallback._count_again()
        return fallback

    def _advance(self, at: float) -> None:
        """Move the landmark before weights grow too large; this depends only on the sessions."""
        if self._landmark is None:
            self._landmark = at
        elif at - self._landmark > MOST_HALF_LIVES * self.settings.half_life_days * DAY_SECONDS:
            self._landmark = at
            self._count_again()

    def _count_again(self) -> None:
        self._by_category, self._by_context = GroupedCounts(), GroupedCounts()
        for session in self.log.sessions.values():
            self._add(session)

    def _add(self, session: LoggedSession) -> None:
        weight = self._weigh(session.ended_at)
        clicks, by_category = _count_clicks(session)
        for category, counts in by_category.items():
            self._by_category.add(category, counts, weight)
        for key in session.context.narrowest_first() if clicks else ():
            self._by_context.add(key, clicks, weight)

    def _subtract(self, session: LoggedSession) -> None:
        weight = self._weigh(session.ended_at)
        clicks, by_category = _count_clicks(session)
        for category, counts in by_category.items():
            self._by_category.subtract(category, counts, weight)
        for key in session.context.narrowest_first() if clicks else ():
            self._by_context.subtract(key, clicks, weight)

    def _weigh(self, at: float) -> int:
        half_lives = (at - (self._landmark or 0.0)) / (self.settings.half_life_days * DAY_SECONDS)
        whole = int(half_lives // 1)
        unit = int(UNIT * 2.0 ** (half_lives - whole))
        return max(1, unit << whole if whole >= 0 else unit >> min(-whole, 64))


def _count_clicks(session: LoggedSession) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Return the clicks of a session by item, and by category and item."""
    clicks: dict[str, int] = {}
    by_category: dict[str, dict[str, int]] = {}
    for category, item in zip(session.categories, session.items, strict=True):
        clicks[item] = clicks.get(item, 0) + 1
        if category is not None:
            counts = by_category.setdefault(category, {})
            counts[item] = counts.get(item, 0) + 1
    return clicks, by_category
