"""Intervals for rates and for differences of rates, from counts."""

from math import sqrt
from typing import NamedTuple

NORMAL_95 = 1.959963984540054  # the standard normal's 97.5th percentile


class Rate(NamedTuple):
    """A count out of a total, with Wilson's 95 % interval of the share (Wilson, 1927)."""

    hits: int
    total: int

    @property
    def share(self) -> float:
        """The observed share; 0.0 if there are none."""
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lowest and highest share that the counts are compatible with; (0, 1) if there are none."""
        if not self.total:
            return 0.0, 1.0
        z2 = NORMAL_95**2
        centre = self.hits + z2 / 2
        half = NORMAL_95 * sqrt(self.hits * (self.total - self.hits) / self.total + z2 / 4)
        return max((centre - half) / (self.total + z2), 0.0), min((centre + half) / (self.total + z2), 1.0)


def difference_interval(first: Rate, second: Rate) -> tuple[float, float]:
    """Return the 95 % interval of first.share - second.share (Newcombe, 1998, method 10)."""
    (low_1, high_1), (low_2, high_2) = first.interval, second.interval
    gap = first.share - second.share
    below = sqrt((first.share - low_1) ** 2 + (high_2 - second.share) ** 2)
    above = sqrt((high_1 - first.share) ** 2 + (second.share - low_2) ** 2)
    return max(gap - below, -1.0), min(gap + above, 1.0)
