"""Logistic regression learned in blocks: the posterior of one block is the prior of the next.

The Gaussian approximation of Laplace, with a full covariance (Bishop, "Pattern Recognition and Machine
Learning", 2006, sections 4.4 and 4.5). Blocks have a fixed number of examples, counted over restarts, so that
the same examples in the same order give the same model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BLOCK = 128
_NEWTON_STEPS = 6
_MOST_LOGIT = 30.0


def sigmoid(logits: Floats) -> Floats:
    """Probabilities of logits."""
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT)))
    return result


class BlockLogistic:
    """Weights with a Gaussian prior of independent entries.

    Args:
        mean: prior mean of each weight (d,).
        spread: prior standard deviation of each weight (d,).
        memory: part of the precision that is kept from one block to the next, so that the past fades.
        block: examples that are learned at once.
    """

    def __init__(self, mean: Floats, spread: Floats, memory: float = 0.999, block: int = BLOCK) -> None:
        self.weights: Floats = mean.astype(np.float64).copy()
        self.examples = 0
        self._precision: Floats = np.diag(1.0 / spread**2)
        self._least_precision: Floats = np.diagonal(self._precision).copy()
        self._memory = memory
        self._block = block
        self._waiting: list[tuple[Integers, Floats, float]] = []

    def learn(
        self, columns: Sequence[int] | Integers, values: Sequence[float] | Floats, label: float
    ) -> None:
        """Take in one example: its columns that are not zero, their values, and 0 or 1."""
        self._waiting.append((np.asarray(columns, np.int64), np.asarray(values, np.float64), label))
        self.examples += 1
        if len(self._waiting) >= self._block:
            self._settle()

    def logit(self, columns: Integers, values: Floats) -> float:
        """The logit of one example."""
        return float(self.weights[columns] @ values)

    def _settle(self) -> None:
        rows = np.zeros((len(self._waiting), len(self.weights)))
        labels = np.array([label for _, _, label in self._waiting])
        for row, (columns, values, _) in zip(rows, self._waiting, strict=True):
            row[columns] += values
        self._waiting = []
        # Weights that no example of the block touches keep their posterior but for the correlation with
        # others; Newton's steps solve for all of them at once.
        prior, before = self._fade(), self.weights.copy()
        precision = prior
        for _ in range(_NEWTON_STEPS):
            chances = sigmoid(rows @ self.weights)
            gradient = rows.T @ (labels - chances) - prior @ (self.weights - before)
            precision = prior + (rows * (chances * (1 - chances))[:, None]).T @ rows
            step = np.linalg.solve(precision, gradient)
            self.weights += step
            if float(np.abs(step).max()) < 1e-4:
                break
        self._precision = precision

    def _fade(self) -> Floats:
        """The precision with a little less certainty, never less than at first."""
        faded = self._precision * self._memory
        diagonal = np.einsum("ii->i", faded)
        np.maximum(diagonal, self._least_precision, out=diagonal)
        return faded
