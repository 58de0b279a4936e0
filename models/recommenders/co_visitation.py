"""Item-to-item co-visitation: items clicked in the same sessions, decayed with age.

The cosine of item-kNN (Sarwar, Karypis, Konstan & Riedl, WWW 2001) over sessions, so that items that occur
with everything are not favoured.
"""

from dataclasses import dataclass

import numpy as np

from stream_app.models.recommenders.item_sums import ItemSums
from stream_app.models.recommenders.session_index import SessionIndex, ragged_ranges
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import NO_CANDIDATES, Candidates, Votes


@dataclass(frozen=True, slots=True)
class CoVisitationSettings:
    """Clicks read per item, and the least number of clicks assumed for a rare item."""

    clicks: int = 500
    least_clicks: int = 3


class CoVisitation:
    """Neighbours of the session's last item, without the item itself."""

    name = "co_visitation"

    def __init__(self, settings: CoVisitationSettings | None = None) -> None:
        self.settings = settings or CoVisitationSettings()

    def candidates(self, view: SessionView) -> Candidates:
        """Return the neighbours of the session's last item."""
        return self.neighbours(view.index, view.items[-1], view.sums) if view.items else NO_CANDIDATES

    def neighbours(self, index: SessionIndex, number: int, sums: ItemSums) -> Candidates:
        """Return the items of the most recent sessions with an item, by their shares of the cosines."""
        clicks = index.clicks_at(index.positions_of(number, self.settings.clicks))
        near, rows = ragged_ranges(
            clicks.positions - clicks.preceding, clicks.preceding + clicks.following + 1
        )
        items = index.items_at(near)
        others = items != number
        items, rows = items[others], rows[others]
        recency = index.recency(clicks.ended_at.max() - clicks.ended_at)
        together = sums.distribute(Votes(items, recency[rows]))
        if not len(together.items):
            return NO_CANDIDATES
        popularity = index.item_click_counts(together.items)
        cosines = together.scores / np.sqrt(np.maximum(popularity, self.settings.least_clicks))
        return Candidates(together.items, cosines / cosines.sum())
