"""Prequential scores: each answer judged before its label is learned, overall and over a recent window."""

from collections import Counter
from math import log
from typing import Any, Protocol

from river import metrics, stats, utils

from stream_app.models.features import Label
from stream_app.models.online.learners import Probabilities

LEAST_PROBABILITY = 1e-6  # a probability of zero would have an infinite log loss
CALIBRATION_BINS = 10


def log_loss(probabilities: Probabilities, label: Label) -> float:
    """Return minus the natural logarithm of the probability given to the label."""
    return -log(max(probabilities.get(label, 0.0), LEAST_PROBABILITY))


def brier(probabilities: Probabilities, label: Label) -> float:
    """Return the squared distance of the probabilities from certainty of the label, 0..2."""
    right = probabilities.get(label, 0.0)
    return sum(share * share for share in probabilities.values()) - 2 * right + 1


class Calibration:
    """Expected calibration error: the distance between stated confidence and the share that came true.

    Bins of equal width over the confidence in the answer (Naeini, Cooper & Hauskrecht, AAAI 2015).
    """

    def __init__(self) -> None:
        self._count: Counter[int] = Counter()
        self._surplus: Counter[int] = Counter()  # in integer millionths, so that revert undoes update exactly

    def update(self, confidence: float, came_true: bool) -> None:
        """Count one answer."""
        self._add(confidence, came_true, 1)

    def revert(self, confidence: float, came_true: bool) -> None:
        """Remove one answer."""
        self._add(confidence, came_true, -1)

    def get(self) -> float:
        """Return the error, 0..1; 0.0 without answers."""
        total = self._count.total()
        return sum(abs(surplus) for surplus in self._surplus.values()) / 1e6 / total if total else 0.0

    def _add(self, confidence: float, came_true: bool, sign: int) -> None:
        place = min(int(confidence * CALIBRATION_BINS), CALIBRATION_BINS - 1)
        self._count[place] += sign
        self._surplus[place] += sign * round(1e6 * (confidence - came_true))


class Ranking:
    """Area under the ROC curve of a binary target: how often a yes was ranked above a no.

    Ties count half (Hanley & McNeil, 1982). Probabilities are rounded to four significant digits, so memory
    is bounded.
    """

    def __init__(self) -> None:
        self._yes: Counter[float] = Counter()
        self._no: Counter[float] = Counter()

    def update(self, probability: float, came_true: bool) -> None:
        """Count one answer."""
        self._add(probability, came_true, 1)

    def revert(self, probability: float, came_true: bool) -> None:
        """Remove one answer."""
        self._add(probability, came_true, -1)

    def get(self) -> float:
        """Return the area, 0..1; 0.5 until both labels have occurred."""
        yes, no = self._yes.total(), self._no.total()
        if not yes or not no:
            return 0.5
        area, no_below = 0.0, 0
        for probability in sorted(self._yes.keys() | self._no.keys()):
            ties = self._no[probability]
            area += self._yes[probability] * (no_below + ties / 2)
            no_below += ties
        return area / (yes * no)

    def _add(self, probability: float, came_true: bool, sign: int) -> None:
        counts, key = (self._yes if came_true else self._no), float(f"{max(probability, 1e-6):.3e}")
        counts[key] += sign
        if not counts[key]:
            del counts[key]


class Scores(Protocol):
    """Figures that can be updated, and reverted when an answer leaves the window."""

    def update(self, *answer: Any) -> None:
        """Judge one answer."""

    def revert(self, *answer: Any) -> None:
        """Remove one judged answer."""

    def get(self) -> dict[str, float]:
        """Return each figure by name."""


class ClassificationScores:
    """Macro and weighted F1, accuracy, log loss, Brier score and calibration error.

    The Brier score is the mean squared distance of the probabilities from the outcome, 0..2 (Brier, 1950). A
    target with the labels True and False also has the area under the ROC curve.
    """

    def __init__(self) -> None:
        self._confusion = metrics.ConfusionMatrix()
        self._log_loss = stats.Mean()
        self._brier = stats.Mean()
        self._calibration = Calibration()
        self._ranking = Ranking()
        self._ranked = 0

    def update(self, label: Label, decision: Label, probabilities: Probabilities) -> None:
        """Judge one decision and its probabilities."""
        self._confusion.update(label, decision)
        self._log_loss.update(log_loss(probabilities, label))
        self._brier.update(brier(probabilities, label))
        self._calibration.update(*_confidence(label, probabilities))
        if isinstance(label, bool):
            self._ranking.update(probabilities.get(True, 0.0), label)
            self._ranked += 1

    def revert(self, label: Label, decision: Label, probabilities: Probabilities) -> None:
        """Remove one judged decision."""
        self._confusion.revert(label, decision)
        self._log_loss.revert(log_loss(probabilities, label))
        self._brier.revert(brier(probabilities, label))
        self._calibration.revert(*_confidence(label, probabilities))
        if isinstance(label, bool):
            self._ranking.revert(probabilities.get(True, 0.0), label)
            self._ranked -= 1

    def get(self) -> dict[str, float]:
        """Return each figure by name."""
        ranking = {"roc_auc": self._ranking.get()} if self._ranked else {}
        return {
            "macro_f1": metrics.MacroF1(cm=self._confusion).get(),
            "weighted_f1": metrics.WeightedF1(cm=self._confusion).get(),
            "accuracy": metrics.Accuracy(cm=self._confusion).get(),
            "log_loss": self._log_loss.get(),
            "brier": self._brier.get(),
            "calibration_error": self._calibration.get(),
            **ranking,
        }


class RegressionScores:
    """R2 and mean absolute error."""

    def __init__(self) -> None:
        self._r2 = metrics.R2()
        self._mae = metrics.MAE()

    def update(self, value: float, answer: float) -> None:
        """Judge one answer."""
        self._r2.update(value, answer)
        self._mae.update(value, answer)

    def revert(self, value: float, answer: float) -> None:
        """Remove one judged answer."""
        self._r2.revert(value, answer)
        self._mae.revert(value, answer)

    def get(self) -> dict[str, float]:
        """Return each figure by name."""
        return {"r2": self._r2.get(), "mae": self._mae.get()}


class PrequentialScores:
    """The same scores over everything and over the last `window` answers."""

    def __init__(self, scores: type[Scores], window: int) -> None:
        self._overall = scores()
        self._rolling = utils.Rolling(scores, window_size=window)

    def update(self, *answer: Any) -> None:
        """Judge one answer."""
        self._overall.update(*answer)
        self._rolling.update(*answer)

    def get(self) -> dict[str, dict[str, float]]:
        """Return {"overall": ..., "rolling": ...}, each with figures by name."""
        return {"overall": self._overall.get(), "rolling": self._rolling.get()}


def _confidence(label: Label, probabilities: Probabilities) -> tuple[float, bool]:
    """Return the highest probability and whether its label came true."""
    if not probabilities:
        return 0.0, False
    likeliest = max(probabilities, key=probabilities.__getitem__)
    return probabilities[likeliest], likeliest == label
