"""The reference implementation of `SourceTable`, with NumPy arrays to which each source adds its votes."""

from collections.abc import Collection, Sequence

import numpy as np

from stream_app.models.recommenders.item_sums import ItemSums
from stream_app.models.recommenders.ranking import leading, running_total
from stream_app.models.recommenders.repeat_consumption import Parts
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.session_view import SessionView, VotingSource
from stream_app.models.recommenders.source_table import Ranking, Sources
from stream_app.models.recommenders.types import FloatArray, IntArray


class ArrayTable:
    """Candidates by number, in the order in which sources first name them; one row per source.

    `discounts` are factors by number of clicks on an item; the last one applies to all higher numbers.
    """

    def __init__(
        self,
        index: SessionIndex,
        sources: Sources,
        discounts: FloatArray,
    ) -> None:
        self._index = index
        self._sources: Sequence[VotingSource] = sources
        self._sums = ItemSums(index.limits.items + 1, len(sources))
        self._discounts = discounts
        self._corrected_items = sources.history.settings.items
        self._places = np.zeros(index.limits.items + 1, np.int64)
        self._latest: list[int] = []
        self._items: IntArray = np.empty(0, np.int64)
        self._expected: FloatArray = np.empty((len(sources), 0))
        self._weights: FloatArray = np.empty(0)
        self._scores: FloatArray = np.empty(0)

    def expect(self, view: SessionView) -> None:
        """Query every source for what it expects next."""
        self._latest = view.latest_distinct(self._corrected_items)
        self._items, self._expected = self._sums.tabulate([source.votes(view) for source in self._sources])
        self._places[self._items] = np.arange(len(self._items))

    def mix(self, weights: FloatArray) -> None:
        """Score candidates by the mixture with these weights, discounted unless the session is unknown."""
        self._weights = weights
        scores = weights[0] * self._expected[0]
        for weight, expected in zip(weights[1:], self._expected[1:], strict=True):
            scores += (
                weight * expected
            )  # source by source, like the compiled table, so that the bits are equal
        if self._latest:
            scores *= self._discounts[
                np.minimum(self._index.item_clicks[self._items], len(self._discounts) - 1)
            ]
        self._scores = scores

    def parts(self) -> Parts:
        """Return the sums of the scores of the session's current item, its earlier ones, and all others."""
        own = self._scores[self._places[self._latest]]
        current, earlier = running_total(own[:1]), running_total(own[1:])
        return Parts(current, earlier, running_total(self._scores) - current - earlier)

    def correct(self, current: float, earlier: float) -> None:
        """Multiply the scores of the session's current item and of its earlier ones."""
        places = self._places[self._latest]
        self._scores[places[:1]] *= current
        self._scores[places[1:]] *= earlier

    def expected(self, number: int) -> list[float]:
        """Return what each source expects of an item."""
        found: list[float] = self._expected[:, self._items == number].sum(axis=1).tolist()
        return found

    def leading(self, most: int, left_out: Collection[int] = ()) -> Ranking:
        """Return the highest scores; among equals, the item clicked last comes first."""
        items, expected, scores = self._items, self._expected, self._scores
        if left_out:
            kept = ~np.isin(items, list(left_out))
            items, expected, scores = items[kept], expected[:, kept], scores[kept]
        best = leading(scores, self._index.item_last_click[items], most)
        if not len(best):
            return Ranking([], [], [])
        shares = scores[best] / running_total(scores)
        sources = (expected[:, best] * self._weights[:, None]).argmax(axis=0)
        return Ranking(items[best].tolist(), shares.tolist(), sources.tolist())

    def leading_of(self, source: int, most: int) -> list[int]:
        """Return the items that one source expects most, in the same order."""
        known = self._expected[source].nonzero()[0]
        items = self._items[known]
        best = leading(self._expected[source][known], self._index.item_last_click[items], most)
        found: list[int] = items[best].tolist()
        return found
