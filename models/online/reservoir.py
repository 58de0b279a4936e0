"""A bounded, uniform sample of all labelled examples so far."""

from random import Random

import numpy as np
from numpy.typing import NDArray

from stream_app.models.features import Columns, Features, Matrix


class Reservoir:
    """Keeps up to `capacity` examples, each so far with equal chance (Vitter, 1985, algorithm R).

    Rows are float32 of `columns`; memory is at most capacity x columns x 4 bytes, twice while growing.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        self.capacity = capacity
        self.seen = 0
        self.columns = Columns()
        self._random = Random(seed)
        self._rows: Matrix = np.empty((0, 0), dtype=np.float32)
        self._labels: NDArray[np.float64] = np.empty(0)

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    def add(self, x: Features, y: float) -> None:
        """Take the example in, in place of a random one when full, or pass it by."""
        place = self.seen if self.seen < self.capacity else self._random.randrange(self.seen + 1)
        self.seen += 1
        if place >= self.capacity:
            return
        self.columns.meet(x)
        self._make_room(place)
        row = self.columns.rows([x])[0]
        self._rows[place, : len(row)] = row
        self._labels[place] = y

    def rows(self) -> Matrix:
        """Return (examples, columns); NaN where a number is missing."""
        return self._rows[: len(self), : len(self.columns)]

    def labels(self) -> NDArray[np.float64]:
        """Return the label of each row."""
        return self._labels[: len(self)]

    def _make_room(self, place: int) -> None:
        height, width = self._rows.shape
        if place >= height:
            taller = min(self.capacity, max(64, 2 * height))
            self._rows = np.concatenate([self._rows, self._blank(taller - height, width)])
            self._labels = np.concatenate([self._labels, np.zeros(taller - height)])
        if len(self.columns) > width:
            self._rows = np.concatenate(
                [self._rows, self._blank(len(self._rows), len(self.columns), width)], axis=1
            )

    def _blank(self, height: int, width: int, first: int = 0) -> Matrix:
        blank = np.full((height, width - first), np.nan, dtype=np.float32)
        blank[:, self.columns.categorical[first:width]] = 0.0
        return blank
