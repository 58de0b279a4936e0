"""Weights of sessions by when they ended, halved with every half-life.

Forward decay (Cormode, Shkapenyuk, Srivastava & Xu, ICDE 2009): a weight is relative to a landmark in the
past, so that it is computed only once, when the session is learned.
"""

import math

from stream_app.models.recommenders.decayed_counts import DAY_SECONDS
from stream_app.models.recommenders.types import FloatArray

MOST_HALF_LIVES = 512  # on either side of the landmark; sums of weights stay well within a double's range


class SessionRecency:
    """The weight of the session in each place of the ring of sessions; only ratios are meaningful."""

    def __init__(self, ended_at: FloatArray, half_life_days: float) -> None:
        self.weights = ended_at * 0.0
        self.landmark: float | None = None
        self._ended_at = ended_at
        self._half_life = half_life_days * DAY_SECONDS

    def weigh(self, slot: int, ended_at: float) -> None:
        """Set the weight of the session in a place; the landmark moves when it is too far in the past."""
        if self.landmark is None:
            self.landmark = ended_at
        elif ended_at - self.landmark > MOST_HALF_LIVES * self._half_life:
            self.restore(ended_at)
        self.weights[slot] = self._weight(ended_at, self.landmark)

    def restore(self, landmark: float | None) -> None:
        """Recompute all weights for a landmark."""
        self.landmark = landmark
        if landmark is not None:
            self.weights[:] = [self._weight(ended_at, landmark) for ended_at in self._ended_at.tolist()]

    def _weight(self, ended_at: float, landmark: float) -> float:
        half_lives = (ended_at - landmark) / self._half_life
        return math.exp2(max(half_lives, -MOST_HALF_LIVES))
