"""The compiled `SourceTable`; importing it fails if the package was installed without a compiler."""

from collections.abc import Collection

from stream_app.models.recommenders import _source_table
from stream_app.models.recommenders.repeat_consumption import Parts
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.source_table import Ranking, Sources
from stream_app.models.recommenders.types import FloatArray

REVISION = 1

if _source_table.REVISION != REVISION:
    raise ImportError(f"the compiled table is of another revision than {REVISION}: install the package again")


class CompiledTable:
    """Reads the arrays of the index in place; the sources only provide their settings.

    Like the blend's sources, its rules may repeat an item and its walk may not, and its history reads at
    least as many of a session's items as any other source.
    """

    def __init__(self, index: SessionIndex, sources: Sources, discounts: FloatArray) -> None:
        nearest, rules, walk = sources.nearest.settings, sources.rules, sources.walk.settings
        self._index = index
        self._items = sources.history.settings.items
        self._table = _source_table.SourceTable(
            (
                index.click_items,
                index.click_sessions,
                index.session_starts,
                index.session_lengths,
                index.recency_weights,
                index.item_clicks,
                index.item_last_click,
                discounts,
                rules.side_weights,
                rules.start_shares,
                sources.history.shares,
            ),
            index.postings.arrays,
            index.postings.ends,
            index.limits.clicks_per_item,
            nearest.clicks_per_item,
            nearest.neighbours,
            nearest.matched_items,
            nearest.match_decay,
            rules.settings.clicks,
            walk.clicks,
            walk.width,
        )
        self.mix = self._table.mix
        self.correct = self._table.correct
        self.expected = self._table.expected
        self.leading_of = self._table.leading_of

    def expect(self, view: SessionView) -> None:
        """Query every source for what it expects next."""
        index = self._index
        self._table.expect(
            view.latest_distinct(self._items),
            index.first_click,
            index.live_sessions,
            *index.popularity.leaders(),
        )

    def parts(self) -> Parts:
        """Return the sums of the scores of the session's current item, its earlier ones, and all others."""
        return Parts(*self._table.parts())

    def leading(self, most: int, left_out: Collection[int] = ()) -> Ranking:
        """Return the highest scores; among equals, the item clicked last comes first."""
        return Ranking(*self._table.leading(most, left_out))
