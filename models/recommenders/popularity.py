"""Popularity with time decay, the last level of the fallback chain: it answers for an empty session."""

from models.recommenders.session_view import SessionView
from models.recommenders.types import Candidates, Votes


class Popularity:
    """The most clicked items of late, whatever the session."""

    name = "popularity"

    def candidates(self, view: SessionView) -> Candidates:
        """Return the leading items of the index's decayed counts."""
        items, weights = view.index.popularity.leaders()
        return Candidates(items, weights / weights.sum() if len(items) else weights)

    def votes(self, view: SessionView) -> Votes:
        """Return the leading items."""
        return Votes(*view.index.popularity.leaders())
