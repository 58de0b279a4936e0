"""A bounded, uniform sample of all labelled examples so far, from which any owner's can be removed."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_app.models.features import Columns, Features, Matrix, visible
from stream_app.models.online.bounds import Bounds

NOBODY = 0
_MASK = (1 << 64) - 1


class Mark(NamedTuple):
    """An example's owner and its priority when space is short; both are 64-bit hashes.

    The hash uses a key unknown to senders, so that nobody can influence whose examples are kept.
    """

    owner: int
    priority: int


class View(NamedTuple):
    """Examples in order of arrival: (examples, columns), NaN for missing numbers."""

    columns: Columns
    rows: Matrix
    labels: list[Any]


class Sample:
    """Keeps the `capacity` examples of lowest priority (bottom-k sampling; Cohen & Kaplan, 2007).

    Whether an example is kept depends only on its mark and the number of lower ones. After an owner's
    examples are removed, the sample is therefore what it would have been without them: a tenth more than
    `capacity` is held, so that others can move up. If more than that is removed, the sample is smaller for a
    while, but still uniform.

    Rows are float32; memory is at most 1.2 x capacity x columns x 4 bytes, twice that while growing. Without
    marks, priorities are drawn from `seed`.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        self.capacity = capacity
        self.seed = seed
        self.seen = 0
        self.bounds: Bounds | None = None
        self.columns = Columns()
        self._slack = max(capacity // 10, 1)
        self._barred_from = _MASK + 1  # the lowest priority ever dropped
        self._size = 0
        self._labels: list[Any] = []
        self._rows: Matrix = np.empty((0, 0), dtype=np.float32)
        self._marks: NDArray[np.uint64] = np.empty((0, 3), dtype=np.uint64)  # number, owner, priority

    def __len__(self) -> int:
        return min(self._size, self.capacity)

    def mark_of(self, number: int) -> Mark:
        """Return a mark for an example without one (splitmix64; Steele, Lea & Flood, 2014)."""
        z = (self.seed + (number + 1) * 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return Mark(NOBODY, z ^ (z >> 31))

    def add(self, x: Features, label: Any, mark: Mark | None = None) -> None:
        """Add the example if its priority is low enough."""
        number, self.seen = self.seen, self.seen + 1
        owner, priority = mark or self.mark_of(number)
        if priority >= self._barred_from:
            return
        self._append(x, label, (number, owner, priority))
        if self._size > self.capacity + 2 * self._slack:
            self._trim()

    def view(self, seen: int, capacity: int | None = None, sees: tuple[str, ...] = ()) -> View:
        """Return the sample as learners may see it, as it was after `seen` examples.

        It does not depend on later examples. `capacity` limits the number of examples, `sees` restricts the
        features to those that match a pattern.
        """
        places = self._lowest(min(capacity or self.capacity, self.capacity), seen)
        width = len(self.columns)
        rows = self._rows[places, :width]
        columns = self.columns
        if sees:
            kept = [place for place, name in enumerate(columns.features) if visible({name: ""}, sees)]
            columns, rows = columns.keep(kept), rows[:, kept]
        if self.bounds is not None:
            rows = self.bounds.squash_rows(columns, rows)
        met = np.where(columns.categorical, rows == 1.0, np.isfinite(rows))
        known = np.flatnonzero(met.any(axis=0))
        known = known[np.argsort(met[:, known].argmax(axis=0), kind="stable")]  # in order of first appearance
        columns, rows = columns.keep(known.tolist()), rows[:, known]
        return View(columns, rows, [self._labels[place] for place in places.tolist()])

    def fit_bounds(self, seen: int, most: int = 2_000) -> None:
        """Recompute the fences from the first `seen` examples."""
        places = self._lowest(most, seen)
        self.bounds = Bounds.of(self.columns, self._rows[places, : len(self.columns)])

    def keep_out_as(self, other: "Sample") -> None:
        """Refuse what another sample had already dropped, because comparable earlier examples are gone."""
        self._barred_from = min(self._barred_from, other._barred_from)

    def examples(self) -> list[tuple[Features, Any, Mark]]:
        """Return all examples held, in order of arrival."""
        self._trim()
        held = zip(self._rows[: self._size], self._labels, self._marks[: self._size].tolist(), strict=True)
        return [
            (self.columns.example(row[: len(self.columns)]), label, Mark(owner, priority))
            for row, label, (_, owner, priority) in held
        ]

    def forget(self, owners: Collection[int]) -> int:
        """Remove all examples of some owners, and columns that nobody else had; return how many examples."""
        self._trim()
        theirs = np.isin(self._marks[: self._size, 1], np.array(list(owners), dtype=np.uint64))
        gone = int(theirs.sum())
        if gone:
            marks = self._marks[: self._size][~theirs].tolist()
            kept = [
                example for example, is_theirs in zip(self.examples(), theirs, strict=True) if not is_theirs
            ]
            self._size, self.columns, self._labels = 0, Columns(), []
            self._rows, self._marks = self._rows[:0, :0], self._marks[:0]
            for (x, label, _), (number, owner, priority) in zip(kept, marks, strict=True):
                self._append(x, label, (number, owner, priority))
        return gone

    def _append(self, x: Features, label: Any, mark: tuple[int, int, int]) -> None:
        self.columns.meet(x)
        self._make_room()
        row = self.columns.rows([x])[0]
        self._rows[self._size, : len(row)] = row
        self._marks[self._size] = mark
        self._labels.append(label)
        self._size += 1

    def _lowest(self, most: int, seen: int) -> NDArray[np.int_]:
        """Return the indices of the `most` lowest priorities among the first `seen` examples, in order."""
        numbers, priorities = self._marks[: self._size, 0], self._marks[: self._size, 2]
        among = np.flatnonzero(numbers < seen)
        if len(among) > most:
            among = np.sort(among[np.argpartition(priorities[among], most)[:most]])
        return among

    def _trim(self) -> None:
        limit = self.capacity + self._slack
        if self._size <= limit:
            return
        kept = self._lowest(limit, self.seen)
        given_up = np.ones(self._size, dtype=np.bool_)
        given_up[kept] = False
        self._barred_from = min(self._barred_from, int(self._marks[: self._size, 2][given_up].min()))
        self._rows, self._marks = self._rows[kept], self._marks[kept]
        self._labels = [self._labels[place] for place in kept.tolist()]
        self._size = limit

    def _make_room(self) -> None:
        height, width = self._rows.shape
        if self._size >= height:
            more = min(max(64, height), self.capacity + 2 * self._slack + 1 - height)
            self._rows = np.concatenate([self._rows, self._blank(more, width)])
            self._marks = np.concatenate([self._marks, np.zeros((more, 3), dtype=np.uint64)])
        if len(self.columns) > width:
            self._rows = np.concatenate(
                [self._rows, self._blank(len(self._rows), len(self.columns), width)], axis=1
            )

    def _blank(self, height: int, width: int, first: int = 0) -> Matrix:
        blank = np.full((height, width - first), np.nan, dtype=np.float32)
        blank[:, self.columns.categorical[first:width]] = 0.0
        return blank
