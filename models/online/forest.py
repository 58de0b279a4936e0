"""A fitted forest as flat arrays: small to ship, fast for one example and for many."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream_app.models.features import Matrix

ROWS_AT_ONCE = 512  # bounds the (rows, trees) work arrays
FEW_ROWS = 4  # under this, walking tree by tree is faster than numpy's calls


class CompactForest:
    """Trees of a fitted scikit-learn forest, one after the other.

    Node i goes to `children[2i]` when x[feature[i]] <= threshold[i], else to `children[2i + 1]`; a leaf leads
    to itself. `value` is (nodes, outputs): a node's mean target, or its class probabilities. `trees` come
    with the columns of a row that they were fitted on, in order. A node takes 14 bytes plus 4 per output:
    thresholds are rounded down to float32, which splits float32 rows the same way.
    """

    def __init__(self, trees: Iterable[tuple[Any, NDArray[np.int_]]]) -> None:
        # array.array, because reading single items takes half as long as with numpy.
        self._roots = array("i")
        self._feature = array("h")
        self._threshold = array("f")
        self._children = array("i")
        self._depth = 0
        values = []
        for tree, columns in trees:
            root, leaf = len(self._feature), tree.children_left < 0
            own = np.arange(tree.node_count)
            left = np.where(leaf, own, tree.children_left) + root
            right = np.where(leaf, own, tree.children_right) + root
            self._roots.append(root)
            self._feature.frombytes(columns[np.maximum(tree.feature, 0)].astype(np.int16).tobytes())
            self._threshold.frombytes(np.where(leaf, np.float32(np.inf), _lower(tree.threshold)).tobytes())
            self._children.frombytes(np.stack([left, right], axis=1).astype(np.int32).tobytes())
            self._depth = max(self._depth, tree.max_depth)
            values.append(tree.value[:, 0, :].astype(np.float32))
        self._value: NDArray[np.float32] = np.concatenate(values)

    def __len__(self) -> int:
        return len(self._roots)

    def predict(self, rows: Matrix) -> NDArray[np.float64]:
        """Return (rows, outputs): the mean over trees of the reached leaves' values."""
        answers = np.empty((len(rows), self._value.shape[1]))
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            reached = self._value[self._leaves(part)]
            answers[start : start + len(part)] = reached.mean(axis=1, dtype=np.float64)
        return answers

    def contributions(
        self, rows: Matrix, outputs: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Split the requested output of each row into a start (rows,) and parts by column (rows, columns).

        start + parts.sum(axis=1) is the prediction. Each step of each tree's path assigns the change in node
        value to the column that it splits on (Saabas, 2014, "Interpreting random forests").
        """
        starts, parts = np.empty(len(rows)), np.empty(rows.shape)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(first, first + ROWS_AT_ONCE)
            starts[part], parts[part] = self._contributions(rows[part], np.asarray(outputs[part]))
        return starts, parts

    def _contributions(
        self, rows: Matrix, outputs: NDArray[np.int_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        roots, feature, threshold, children = self._arrays()
        node = np.broadcast_to(roots, (len(rows), len(self)))
        first_cell = np.arange(len(rows))[:, None] * rows.shape[1]
        value = self._value[node, outputs[:, None]].astype(np.float64)
        start, parts = value.mean(axis=1), np.zeros(rows.size)
        for _ in range(self._depth):
            column = feature[node]
            node = children[2 * node + (np.take_along_axis(rows, column, axis=1) > threshold[node])]
            reached = self._value[node, outputs[:, None]].astype(np.float64)
            changes = (reached - value).ravel()
            parts += np.bincount((first_cell + column).ravel(), changes, minlength=rows.size)
            value = reached
        return start, parts.reshape(rows.shape) / len(self)

    def _leaves(self, rows: Matrix) -> NDArray[np.int32]:
        if len(rows) < FEW_ROWS:
            return np.array([self._walk(row.tolist()) for row in rows], dtype=np.int32)
        roots, feature, threshold, children = self._arrays()
        node = np.broadcast_to(roots, (len(rows), len(self)))
        for _ in range(self._depth):
            column = feature[node]
            node = children[2 * node + (np.take_along_axis(rows, column, axis=1) > threshold[node])]
        return node

    def _walk(self, row: list[float]) -> list[int]:
        feature, threshold, children = self._feature, self._threshold, self._children
        leaves = []
        for root in self._roots:
            node, reached = -1, root
            while reached != node:
                node = reached
                reached = children[2 * node + (row[feature[node]] > threshold[node])]
            leaves.append(node)
        return leaves

    def _arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.float32], NDArray[np.int32]]:
        return (
            np.frombuffer(self._roots, dtype=np.int32),
            np.frombuffer(self._feature, dtype=np.int16),
            np.frombuffer(self._threshold, dtype=np.float32),
            np.frombuffer(self._children, dtype=np.int32),
        )


def _lower(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above the threshold: a float32 exceeds both or neither."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
