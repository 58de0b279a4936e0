"""Posting lists: the positions of each item's most recent clicks, in arrays that grow up to a cap."""

import numpy as np

from models.recommenders.types import IntArray

NO_POSITIONS = np.empty(0, np.int64)
FIRST_SIZE = 4


class ItemPostings:
    """Lists of positions by item number; positions of one item are added in increasing order.

    An array may hold twice the cap before its older half is dropped, so that what is listed always lies in
    one piece and is read without a copy: it is what comes before the list's end in `ends`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.arrays: list[IntArray] = []
        self.ends: list[int] = []

    def add_item(self) -> None:
        """Make room for the next item number."""
        self.arrays.append(NO_POSITIONS)
        self.ends.append(0)

    def append(self, number: int, position: int) -> int | None:
        """Add a position and return the one that it displaced from a full list."""
        array = self.arrays[number]
        end = self.ends[number]
        if end == len(array):
            kept = min(end, self._most)
            grown = np.empty(min(max(FIRST_SIZE, 2 * kept), 2 * self._most), np.int64)
            grown[:kept] = array[end - kept :]
            self.arrays[number] = array = grown
            end = kept
        array[end] = position
        self.ends[number] = end + 1
        return int(array[end - self._most]) if end >= self._most else None

    def latest(self, number: int, most: int, since: int) -> IntArray:
        """Return an item's most recent positions from `since` on, at most `most`, the oldest first.

        The result is a view: it holds until the item's next click.
        """
        end = self.ends[number]
        found = self.arrays[number][max(0, end - min(most, self._most)) : end]
        if len(found) and found[0] < since:
            found = found[found.searchsorted(since) :]
        return found

    def replace(self, number: int, positions: IntArray) -> None:
        """Set an item's list to the most recent of the given positions."""
        kept = positions[-self._most :].copy()
        self.arrays[number] = kept
        self.ends[number] = len(kept)
