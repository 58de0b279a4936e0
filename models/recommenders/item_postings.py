"""Posting lists: the positions of each item's most recent clicks, in rings that grow up to a cap."""

import numpy as np

from models.recommenders.types import IntArray

NO_POSITIONS = np.empty(0, np.int64)
FIRST_SIZE = 4


class ItemPostings:
    """Lists of positions by item number; positions of one item are added in increasing order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rings: list[IntArray] = []
        self._posted: list[int] = []

    def add_item(self) -> None:
        """Make room for the next item number."""
        self._rings.append(NO_POSITIONS)
        self._posted.append(0)

    def append(self, number: int, position: int) -> int | None:
        """Add a position and return the one that it displaced from a full list."""
        ring = self._rings[number]
        posted = self._posted[number]
        size = len(ring)
        displaced = None
        if posted >= size:
            if size < self._most:
                grown = np.empty(min(max(FIRST_SIZE, 2 * size), self._most), np.int64)
                grown[:size] = ring
                self._rings[number] = ring = grown
                size = len(grown)
            else:
                displaced = int(ring[posted % size])
        ring[posted % size] = position
        self._posted[number] = posted + 1
        return displaced

    def latest(self, number: int, most: int, since: int) -> IntArray:
        """Return an item's most recent positions from `since` on, at most `most`, the oldest first."""
        ring = self._rings[number]
        posted = self._posted[number]
        size = len(ring)
        if posted <= size:
            found = ring[max(0, posted - most) : posted]
        else:
            head = posted % size
            found = np.concatenate((ring[head:], ring[:head]))[-most:]
        if len(found) and found[0] < since:
            found = found[found.searchsorted(since) :]
        return found

    def replace(self, number: int, positions: IntArray) -> None:
        """Set an item's list to the most recent of the given positions."""
        kept = positions[-self._most :].copy()
        self._rings[number] = kept
        self._posted[number] = len(kept)
