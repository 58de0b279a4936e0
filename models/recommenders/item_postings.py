"""Posting lists: the positions of each item's most recent clicks, in arrays that grow up to a cap."""

from collections.abc import Iterable

import numpy as np

from stream_app.models.recommenders.types import IntArray

NO_POSITIONS = np.empty(0, np.int64)
FIRST_SIZE = 4


class ItemPostings:
    """Lists of positions by item number; positions of one item are added in increasing order.

    An array may hold twice the cap before its older half is dropped, so that a list is always contiguous and
    read without copying: it is what comes before the list's end in `ends`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.arrays: list[IntArray] = []
        self.ends: list[int] = []

    def add_item(self) -> None:
        """Make room for the next item number."""
        self.arrays.append(NO_POSITIONS)
        self.ends.append(0)

    def extend(self, numbers: Iterable[int], first: int, since: int) -> int:
        """Add successive positions, one click per item, and return how many they displaced.

        A position from `since` on is displaced when it drops out of a full list.
        """
        arrays, ends, most = self.arrays, self.ends, self._most
        displaced = 0
        for position, number in enumerate(numbers, first):
            array, end = arrays[number], ends[number]
            if end == len(array):
                array = self._make_room(number)
                end = ends[number]
            array[end] = position
            ends[number] = end + 1
            if end >= most and array[end - most] >= since:
                displaced += 1
        return displaced

    def latest(self, number: int, most: int, since: int) -> IntArray:
        """Return an item's most recent positions from `since` on, at most `most`, oldest first.

        The result is a view, valid until the item's next click.
        """
        end = self.ends[number]
        found = self.arrays[number][max(0, end - min(most, self._most)) : end]
        if len(found) and found[0] < since:
            found = found[found.searchsorted(since) :]
        return found

    def _make_room(self, number: int) -> IntArray:
        """Move an item's list to the start of a larger array and return that."""
        array, end = self.arrays[number], self.ends[number]
        kept = min(end, self._most)
        grown = np.empty(min(max(FIRST_SIZE, 2 * kept), 2 * self._most), np.int64)
        grown[:kept] = array[end - kept :]
        self.arrays[number], self.ends[number] = grown, kept
        return grown

    def replace(self, number: int, positions: IntArray) -> None:
        """Set an item's list to the most recent of the given positions."""
        kept = positions[-self._most :].copy()
        self.arrays[number] = kept
        self.ends[number] = len(kept)
