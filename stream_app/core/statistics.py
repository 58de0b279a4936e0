"""Running statistics that fit a row: Welford moments and bounded shares of categories."""

from __future__ import annotations

from math import sqrt

import msgspec

MAX_CATEGORIES = 16
OTHER = "(other)"


class RunningStats(msgspec.Struct, array_like=True):
    """Count, mean, spread and range of what was added (Welford 1962)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def add(self, value: float) -> None:
        """Take one value in."""
        value = float(value)  # a whole number would be stored as one, and read back as another type
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)
        self.low = value if self.count == 1 else min(self.low, value)
        self.high = value if self.count == 1 else max(self.high, value)

    @property
    def deviation(self) -> float:
        """Sample standard deviation; 0 below two values."""
        return sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0


Shares = dict[str, int]


def count_category(shares: Shares, category: str) -> None:
    """Count one more of a category; past `MAX_CATEGORIES` new ones are counted together."""
    if category not in shares and len(shares) >= MAX_CATEGORIES:
        category = OTHER
    shares[category] = shares.get(category, 0) + 1


def most_common(shares: Shares) -> str | None:
    """The category counted most, ties by name, so that every runtime names the same."""
    return min(shares, key=lambda category: (-shares[category], category)) if shares else None
