"""Vectors with biases that move by AdaGrad with one step size a row, so that rare rows move faster.

Duchi, Hazan & Singer (JMLR 2011), with the squared norm of a row's gradient in place of each squared
coordinate: one number a row bounds what any data can make of it.
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
    """`size` rows of a vector of `width` factors, a bias, and the sum of squares of their gradients."""

    def __init__(self, size: int, width: int, step: float, shrinkage: float) -> None:
        self.vectors = np.zeros((size, width), np.float32)
        self.biases = np.zeros(size, np.float32)
        self._squares = np.zeros(size, np.float32)
        self._step = np.float32(step)
        self._shrinkage = np.float32(shrinkage)

    def reset(self, row: int, vector: Reals | float = 0.0) -> None:
        """Start a row anew."""
        self.vectors[row] = vector
        self.biases[row] = self._squares[row] = 0.0

    def climb(self, rows: Rows, towards: Reals, bias_towards: Reals) -> None:
        """Move rows along ascents, (rows, width) and (rows,); a row that is repeated moves by each."""
        towards = towards - self._shrinkage * self.vectors[rows]
        squares = np.einsum("nw,nw->n", towards, towards) + bias_towards * bias_towards
        np.add.at(self._squares, rows, squares)
        steps = self._step / np.sqrt(1 + self._squares[rows])
        np.add.at(self.vectors, rows, steps[:, None] * towards)
        np.add.at(self.biases, rows, steps * bias_towards)

    def to_state(self, rows: int) -> AdaptiveVectorsState:
        """Return the first `rows` rows; the others must be as they were at first."""
        return AdaptiveVectorsState(
            rows,
            self.vectors[:rows].astype("<f4").tobytes(),
            self.biases[:rows].astype("<f4").tobytes(),
            self._squares[:rows].astype("<f4").tobytes(),
        )

    def restore(self, state: AdaptiveVectorsState) -> None:
        """Become what `to_state` described."""
        rows = state.rows
        self.vectors[:rows] = np.frombuffer(state.vectors, "<f4").reshape(rows, self.vectors.shape[1])
        self.biases[:rows] = np.frombuffer(state.biases, "<f4")
        self._squares[:rows] = np.frombuffer(state.squares, "<f4")
