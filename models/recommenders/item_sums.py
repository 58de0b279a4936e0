"""Sums of weights by item number, without a pass over all items."""

import numpy as np
from numpy.typing import NDArray

from models.recommenders.types import Candidates, FloatArray, IntArray

NO_ITEM = 0  # the number of no item: stands in the log where one was evicted, and counts for nothing


class ItemSums:
    """A dense scratch array that is clean between calls, so that a sum costs what it adds up."""

    def __init__(self, size: int) -> None:
        self._sums = np.zeros(size)
        self._last_seen = np.zeros(size, np.int64)

    def distinct(self, items: NDArray[np.int32] | IntArray) -> IntArray:
        """Return each of the items once, in the order of their last occurrences."""
        occurrences = np.arange(len(items))
        self._last_seen[items] = occurrences
        distinct: IntArray = items[self._last_seen[items] == occurrences].astype(np.int64, copy=False)
        return distinct

    def distribute(self, items: NDArray[np.integer], weights: FloatArray) -> Candidates:
        """Return the distinct items with their shares of the sum of all weights; no item where that is 0."""
        numbers = items.astype(np.int64)
        np.add.at(self._sums, numbers, weights)
        self._sums[NO_ITEM] = 0.0
        distinct = self.distinct(numbers)
        sums = self._sums[distinct]
        self._sums[distinct] = 0.0
        if not sums.all():
            weighty = sums.nonzero()[0]
            distinct, sums = distinct[weighty], sums[weighty]
        sums /= sums.sum()
        return Candidates(distinct, sums)
