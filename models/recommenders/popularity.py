"""Popularity with time decay, the last fallback level: it can answer for an empty session."""

import numpy as np

from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import Candidates, Votes


class Popularity:
    """The most clicked recent items, whatever the session."""

    name = "popularity"

    def candidates(self, view: SessionView) -> Candidates:
        """Return the leading items of the index's decayed counts."""
        return view.sums.distribute(self.votes(view))

    def votes(self, view: SessionView) -> Votes:
        """Return the leading items."""
        leaders = view.index.popularity.leaders()
        return Votes(np.array(leaders.numbers, np.int64), np.array(leaders.weights, np.float64))
