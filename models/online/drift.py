"""Drift, distinguished from noise: losses that rose for good, and features whose distribution changed."""

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from math import log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from river import drift

from stream_app.models.features import Columns, Features, Matrix

Kind = Literal["loss", "feature"]
DRIFT_KINDS: tuple[Kind, ...] = ("loss", "feature")
MOST_REPORTED = 50
MOST_LOSSES = 1_000
LEAST_LOSS_RISE = 0.05
LEAST_DISTANCE = 0.2  # smaller differences are not worth reporting, however certain


@dataclass(frozen=True, slots=True)
class Drift:
    """What has changed: the model's `loss`, or a feature.

    `since` and `found_at` count the model's examples. `before` and `after` are means.
    """

    kind: Kind
    what: str
    since: int
    found_at: int
    before: float
    after: float


class LossDrift:
    """Detects when a prequential loss has risen for good, and since when.

    ADWIN (Bifet & Gavalda, 2007) detects a change with confidence `delta`. The last losses are then split in
    two where the split explains most of their variance; if the later ones are higher by `least_rise` or more,
    that is a drift. A falling loss, as of a model that learns, is none. `since` counts the losses given.
    """

    def __init__(self, delta: float = 0.0005, least_rise: float = LEAST_LOSS_RISE) -> None:
        self.delta = delta
        self.least_rise = least_rise
        self.seen = 0
        self._recent: deque[float] = deque(maxlen=MOST_LOSSES)
        self._detector = drift.ADWIN(delta=delta, grace_period=50)

    def update(self, loss: float) -> Drift | None:
        """Add the loss on the next example, 0..1; return a drift if one is detected."""
        self.seen += 1
        self._recent.append(loss)
        self._detector.update(loss)
        if not self._detector.drift_detected:
            return None
        losses = np.array(self._recent)
        split = change_point(losses)
        before, after = float(losses[:split].mean()), float(losses[split:].mean())
        if after - before < self.least_rise:
            return None
        self._begin_with(losses[split:].tolist())
        return Drift("loss", "loss", self.seen - len(losses) + split, self.seen, before, after)

    def _begin_with(self, losses: list[float]) -> None:
        self._recent = deque(losses, maxlen=MOST_LOSSES)
        self._detector = drift.ADWIN(delta=self.delta, grace_period=50)
        for loss in losses:
            self._detector.update(loss)


class FeatureDrift:
    """Compares each feature's last `window` values with as many earlier ones, once every `window` examples.

    This is the two-sample Kolmogorov-Smirnov test, which is valid for any distribution; its threshold is the
    closed asymptotic form. A missing number counts as lower than all others, a category as 0 or 1. While
    nothing changes, all tests together raise a false alarm with probability at most `alpha`: round t spends
    alpha / (t (t + 1)), divided among the features. After a drift, the new values become the feature's
    reference.
    """

    def __init__(
        self, window: int = 250, alpha: float = 0.01, least_distance: float = LEAST_DISTANCE
    ) -> None:
        self.window = window
        self.alpha = alpha
        self.least_distance = least_distance
        self.seen = 0
        self._rounds = 0
        self._columns = Columns()
        self._references: dict[str, NDArray[np.float32]] = {}
        self._recent: list[Features] = []

    def update(self, x: Features) -> list[Drift]:
        """Add the next example; return the drifts detected, largest distance from the reference first."""
        self.seen += 1
        self._recent.append(x)
        if len(self._recent) < self.window:
            return []
        recent, self._recent = self._recent, []
        for example in recent:
            self._columns.meet(example)
        return self._compare(self._columns.names, self._columns.rows(recent))

    def forget(self) -> None:
        """Drop the examples waiting to be compared; the reference holds only values."""
        self._recent = []

    def _compare(self, names: list[str], rows: Matrix) -> list[Drift]:
        rows = np.where(np.isfinite(rows), rows, -np.inf)
        if not self._references:
            self._references = dict(zip(names, rows.T.copy(), strict=True))
            return []
        self._rounds += 1
        share = self.alpha / (self._rounds * (self._rounds + 1)) / len(names)
        least = max(self.least_distance, sqrt(log(2 / share) / self.window))
        found = []
        for name, recent, absent in zip(names, rows.T, self._absent(), strict=True):
            reference = self._references.setdefault(name, np.full(self.window, absent, dtype=np.float32))
            distance = ks_distance(reference, recent)
            if distance > least:
                means = (_mean(reference), _mean(recent))
                since = self.seen - self.window
                found.append((distance, Drift("feature", name, since, self.seen, *means)))
                self._references[name] = recent.copy()
        return [one for _, one in sorted(found, key=lambda pair: -pair[0])]

    def _absent(self) -> NDArray[np.float32]:
        """The value of each column for an example without its feature."""
        return np.where(self._columns.categorical, np.float32(0), np.float32(-np.inf))


@dataclass
class DriftMonitor:
    """Watches a model's loss and its features; keeps the newest reports and counts all by kind."""

    loss: LossDrift = field(default_factory=LossDrift)
    features: FeatureDrift = field(default_factory=FeatureDrift)
    reports: list[Drift] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def forget(self) -> None:
        """Drop the examples waiting to be compared."""
        self.features.forget()

    def update(self, x: Features, loss: float | None) -> None:
        """Add the next example, and the loss on it (0..1) if the model itself answered."""
        found = self.features.update(x)
        risen = self.loss.update(loss) if loss is not None else None
        if risen:
            unanswered = self.features.seen - self.loss.seen
            found.append(replace(risen, since=risen.since + unanswered, found_at=risen.found_at + unanswered))
        for one in found:
            self.counts[one.kind] += 1
            self.reports = [*self.reports, one][-MOST_REPORTED:]


def change_point(values: NDArray[np.float64]) -> int:
    """Return where to split two or more values so that the two means explain most of the variance."""
    count = len(values)
    first = np.arange(1, count)
    sums = np.cumsum(values)
    spread = (sums[:-1] - first * sums[-1] / count) ** 2 / (first * (count - first))
    return int(np.argmax(spread)) + 1


def ks_distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the largest difference between the two samples' distribution functions, 0..1."""
    first, second = np.sort(first), np.sort(second)
    values = np.concatenate([first, second])
    below_first = np.searchsorted(first, values, side="right") / len(first)
    below_second = np.searchsorted(second, values, side="right") / len(second)
    return float(np.abs(below_first - below_second).max())


def _mean(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
