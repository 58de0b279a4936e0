"""Co-visitation by context: items clicked in the same sessions, in similar circumstances."""

from collections import defaultdict
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from stream_app.models.recommenders.context import NO_CONTEXT, Context
from stream_app.models.recommenders.decayed_counts import DAY_SECONDS
from stream_app.models.recommenders.session_log import LoggedSession, SessionLog
from stream_app.models.recommenders.types import ScoredItem

CONTEXT_VISITS = "context_visits"
ALL_CONTEXTS = "all"


@dataclass(frozen=True, slots=True)
class ContextVisitsSettings:
    """Sessions read per item, sessions that a context needs to be used, half-life, least popularity.

    An item in fewer sessions than `least_sessions_of_item` is weighted as if it were in that many.
    """

    sessions: int = 500
    least_sessions: int = 20
    half_life_days: float = 5.0
    least_sessions_of_item: int = 3


class Neighbours(NamedTuple):
    """An item's neighbours by share; `level` is the context used, such as `mobile||DE` or `all`."""

    level: str
    sessions: int
    items: list[ScoredItem]


class ContextVisits:
    """Neighbours of an item over a log of sessions: cosines of decayed joint visits (item-kNN)."""

    def __init__(self, log: SessionLog, settings: ContextVisitsSettings | None = None) -> None:
        self.settings = settings or ContextVisitsSettings()
        self._log = log

    def neighbours(self, item: str, context: Context = NO_CONTEXT, count: int = 10) -> Neighbours:
        """Return at most `count` neighbours from the narrowest context with enough sessions, else from all.

        Each session counts once per item, weighted by age; the item itself is left out. An item that was
        never clicked together with another has no neighbours.
        """
        sessions = self._log.with_item(item, self.settings.sessions)
        level = ALL_CONTEXTS
        for key in context.narrowest_first():
            alike = [session for session in sessions if key in session.context.narrowest_first()]
            if len(alike) >= self.settings.least_sessions:
                level, sessions = key, alike
                break
        return Neighbours(level, len(sessions), self._weigh(item, sessions)[:count])

    def _weigh(self, item: str, sessions: list[LoggedSession]) -> list[ScoredItem]:
        latest = max((session.ended_at for session in sessions), default=0.0)
        together: defaultdict[str, float] = defaultdict(float)
        for session in sessions:
            age = (latest - session.ended_at) / (self.settings.half_life_days * DAY_SECONDS)
            for other in dict.fromkeys(session.items):
                together[other] += 2.0**-age
        together.pop(item, None)
        least = self.settings.least_sessions_of_item
        cosines = {
            other: weight / sqrt(max(self._log.sessions_with(other), least))
            for other, weight in together.items()
        }
        total = sum(cosines.values())
        ranked = sorted(cosines.items(), key=lambda entry: (-entry[1], entry[0]))
        return [ScoredItem(other, cosine / total, CONTEXT_VISITS) for other, cosine in ranked]
