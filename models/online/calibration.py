"""Calibration of probabilities against the outcomes of the most recent ones."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from stream_app.models.features import Label
from stream_app.models.judging.scores import log_loss
from stream_app.models.online.champion import Advantage
from stream_app.models.online.learners import Probabilities, normalised

LEAST_PROBABILITY = 1e-6
MOST_STEPS = 30
TOLERANCE = 1e-9

Floats = NDArray[np.float64]


class Calibrator:
    """Raises probabilities to a power and weighs each label's by a factor.

    Platt's method for any number of labels: slope and offsets of the log probabilities (Platt, 1999; Guo et
    al., 2017, "On calibration of modern neural networks", section 4.2). They are refitted every `every`
    examples on the last `window`, with a penalty of `pull` that favours no change.

    Each example first compares the calibrated answer with the one given, and is then used for fitting.
    Calibration is switched on when its fading mean gain in log loss exceeds two standard errors, and off when
    that mean falls below 0.
    """

    def __init__(self, window: int = 1_000, every: int = 100, pull: float = 20.0) -> None:
        self.window = window
        self.every = every
        self.pull = pull
        self.in_use = False
        self.gain = Advantage(half_life=500.0)
        self._seen = 0
        self._slope = 1.0
        self._factors: dict[Label, float] = {}
        self._judged: deque[tuple[Probabilities, Label]] = deque(maxlen=window)

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """Return the probabilities, calibrated while calibration is switched on."""
        return self._calibrated(probabilities) if self.in_use else probabilities

    def learn(self, probabilities: Probabilities, label: Label) -> None:
        """Learn from an uncalibrated answer and the label that came true."""
        if label not in probabilities or len(probabilities) < 2:
            return
        if self._factors:
            given = log_loss(probabilities, label)
            self.gain.update(given - log_loss(self._calibrated(probabilities), label))
            if self.in_use:
                self.in_use = self.gain.mean >= 0
            else:
                self.in_use = self.gain.mean > 2 * self.gain.standard_error
        self._judged.append((probabilities, label))
        self._seen += 1
        # After the window was dropped, the next fit waits until it is full again.
        enough = min(self.every, self._judged.maxlen or self.every)
        if self._seen % self.every == 0 and len(self._judged) >= enough:
            self._fit()

    def drop_window(self) -> None:
        """Drop the answers that the next fit would have used."""
        self._judged.clear()

    def _calibrated(self, probabilities: Probabilities) -> Probabilities:
        weights = {
            label: max(share, LEAST_PROBABILITY) ** self._slope * self._factors.get(label, 1.0)
            for label, share in probabilities.items()
        }
        return normalised(weights)

    def _fit(self) -> None:
        labels = list(dict.fromkeys(label for shares, _ in self._judged for label in shares))
        logs = np.log(
            [[max(given.get(name, 0.0), LEAST_PROBABILITY) for name in labels] for given, _ in self._judged]
        )
        truth = np.array([labels.index(label) for _, label in self._judged])
        self._slope, offsets = fit_scaling(logs, truth, self.pull)
        self._factors = dict(zip(labels, np.exp(offsets).tolist(), strict=True))


def fit_scaling(logs: Floats, truth: NDArray[np.int_], pull: float) -> tuple[float, Floats]:
    """Return the slope and offsets (labels,) that give `truth` (examples,) the highest likelihood.

    `logs` are log probabilities (examples, labels). A penalty of pull/2 x (slope - 1)^2, and the same for
    each offset, makes the optimum unique. Uses Newton's method and halves steps that overshoot.
    """
    rows = np.arange(len(logs))
    rest = np.array([1.0, *np.zeros(logs.shape[1])])

    def penalised_loss(theta: Floats) -> float:
        shares = _softmax(theta[0] * logs + theta[1:])[rows, truth]
        return float(-np.log(np.maximum(shares, 1e-300)).sum() + pull / 2 * np.sum((theta - rest) ** 2))

    theta: Floats = rest
    loss = penalised_loss(rest)
    for _ in range(MOST_STEPS):
        step = _newton_step(theta, logs, truth, pull, rest)
        while (next_loss := penalised_loss(theta - step)) > loss and np.abs(step).max() > TOLERANCE:
            step = step / 2
        if np.abs(step).max() <= TOLERANCE:
            break
        theta, loss = theta - step, next_loss
    return float(theta[0]), theta[1:]


def _newton_step(theta: Floats, logs: Floats, truth: NDArray[np.int_], pull: float, rest: Floats) -> Floats:
    shares = _softmax(theta[0] * logs + theta[1:])
    error = shares.copy()
    error[np.arange(len(logs)), truth] -= 1.0
    gradient = np.array([np.sum(error * logs), *error.sum(axis=0)]) + pull * (theta - rest)
    deviation = logs - np.sum(shares * logs, axis=1, keepdims=True)
    curvature: Floats = pull * np.eye(len(theta))
    curvature[0, 0] += np.sum(shares * deviation**2)
    curvature[0, 1:] = curvature[1:, 0] = np.sum(shares * deviation, axis=0)
    curvature[1:, 1:] += np.diag(shares.sum(axis=0)) - shares.T @ shares
    return np.linalg.solve(curvature, gradient).astype(np.float64)


def _softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return shares
