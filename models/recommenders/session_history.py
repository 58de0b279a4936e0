"""The open session's own items: a third of real clicks return to one of them."""

from dataclasses import dataclass

import numpy as np

from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import Candidates, Votes


@dataclass(frozen=True, slots=True)
class SessionHistorySettings:
    """How many distinct items to use, and the factor from each to the one before."""

    items: int = 20
    decay: float = 0.5


class SessionHistory:
    """Items of the session itself, latest first."""

    name = "session_history"

    def __init__(self, settings: SessionHistorySettings | None = None) -> None:
        self.settings = settings or SessionHistorySettings()
        self.shares = np.power(self.settings.decay, np.arange(self.settings.items, dtype=np.float64))

    def candidates(self, view: SessionView) -> Candidates:
        """Return the distinct items of the session with geometrically decaying shares."""
        return view.sums.distribute(self.votes(view))

    def votes(self, view: SessionView) -> Votes:
        """Return the distinct items of the session, latest first."""
        latest_first = view.latest_distinct(self.settings.items)
        return Votes(np.array(latest_first, np.int64), self.shares[: len(latest_first)])
