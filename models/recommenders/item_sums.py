"""Sums of weights by item number, without a pass over all items."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream_app.models.recommenders.ranking import running_total
from stream_app.models.recommenders.types import Candidates, FloatArray, IntArray, Votes

NO_ITEM = 0  # no item: replaces evicted items in the log, and is never counted


class ItemSums:
    """Dense scratch arrays that are clean between calls, so that the cost depends only on what is summed.

    Up to `rows` voters are summed at once. Votes are added in order and items come in the order of their
    first votes, so that any implementation with the same order gives identical bits. Not thread-safe.
    """

    def __init__(self, size: int, rows: int = 1) -> None:
        self._sums = np.zeros(size * rows)
        self._places = np.zeros(size, np.int64)
        self._row_starts = np.arange(rows)[:, None] * size

    def distinct(self, items: NDArray[np.integer]) -> IntArray:
        """Return the distinct items in order of first appearance, without NO_ITEM."""
        order = np.arange(len(items))
        self._places[items[::-1]] = order[::-1]
        distinct: IntArray = items[(self._places[items] == order) & (items != NO_ITEM)]
        return distinct

    def distribute(self, votes: Votes) -> Candidates:
        """Return the distinct items with their shares of the sum of all weights; no items if that is 0."""
        numbers = votes.items.astype(np.int64, copy=False)
        np.add.at(self._sums, numbers, votes.weights)
        distinct = self.distinct(numbers)
        sums = self._sums[distinct]
        self._sums[distinct] = 0.0
        self._sums[NO_ITEM] = 0.0
        if not sums.all():
            weighty = sums.nonzero()[0]
            distinct, sums = distinct[weighty], sums[weighty]
        sums *= 1 / _total(votes)
        return Candidates(distinct, sums)

    def tabulate(self, voters: Sequence[Votes]) -> tuple[IntArray, FloatArray]:
        """Return the distinct items of all voters, and the shares of `distribute`, as voters x items."""
        numbers = np.concatenate([votes.items for votes in voters])
        lengths = [len(votes.items) for votes in voters]
        rows = self._row_starts[: len(voters), 0].repeat(lengths)
        np.add.at(self._sums, numbers + rows, np.concatenate([votes.weights for votes in voters]))
        distinct = self.distinct(numbers)
        cells = distinct + self._row_starts[: len(voters)]
        sums = self._sums[cells]
        self._sums[cells] = 0.0
        self._sums[self._row_starts[:, 0]] = 0.0
        sums *= np.array([[1 / _total(votes)] for votes in voters])
        return distinct, sums


def _total(votes: Votes) -> float:
    """The sum of all weights except NO_ITEM's; 1 if that is 0, as there is nothing to share then."""
    total = votes.total
    if total is None:
        total = running_total(np.where(votes.items == NO_ITEM, 0.0, votes.weights))
    return total or 1.0
