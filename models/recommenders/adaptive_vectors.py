"""Vectors with biases, updated by AdaGrad with one step size per row, so that rare rows move faster.

Duchi, Hazan & Singer (JMLR 2011), with the squared norm of a row's gradient instead of each squared
coordinate, which bounds every row, whatever the data.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float32]
Rows = NDArray[np.int64]


class AdaptiveVectorsState(msgspec.Struct):
    """The first rows of the three tables as little-endian float32."""

    rows: int
    vectors: bytes
    biases: bytes
    squares: bytes


class AdaptiveVectors:
    """`size` rows, each with a vector of `width` factors, a bias, and the sum of its squared gradients."""

    def __init__(self, size: int, width: int, step: float, shrinkage: float) -> None:
        self.vectors = np.zeros((size, width), np.float32)
        self.biases = np.zeros(size, np.float32)
        self._squares = np.zeros(size, np.float32)
        self._step = np.float32(step)
        self._shrinkage = np.float32(shrinkage)

    def reset(self, row: int, vector: Reals | float = 0.0) -> None:
        """Reset a row."""
        self.vectors[row] = vector
        self.biases[row] = self._squares[row] = 0.0

    def climb(self, rows: Rows, towards: Reals, bias_towards: Reals) -> None:
        """Move rows along ascents, (rows, width) and (rows,); a repeated row moves by each of its ascents."""
        towards = towards - self._shrinkage * self.vectors[rows]
        squares = np.einsum("nw,nw->n", towards, towards) + bias_towards * bias_towards
        np.add.at(self._squares, rows, squares)
        steps = self._step / np.sqrt(1 + self._squares[rows])
        np.add.at(self.vectors, rows, steps[:, None] * towards)
        np.add.at(self.biases, rows, steps * bias_towards)

    def to_state(self, rows: int) -> AdaptiveVectorsState:
        """Return the first `rows` rows; the others must be unused."""
        return AdaptiveVectorsState(
            rows,
            self.vectors[:rows].astype("<f4").tobytes(),
            self.biases[:rows].astype("<f4").tobytes(),
            self._squares[:rows].astype("<f4").tobytes(),
        )

    def restore(self, state: AdaptiveVectorsState) -> None:
        """Restore the state that `to_state` returned."""
        rows = state.rows
        self.vectors[:rows] = np.frombuffer(state.vectors, "<f4").reshape(rows, self.vectors.shape[1])
        self.biases[:rows] = np.frombuffer(state.biases, "<f4")
        self._squares[:rows] = np.frombuffer(state.squares, "<f4")
