"""Running statistics for rows: moments, bounded counts of categories, decayed sums."""

from __future__ import annotations

from math import sqrt

import msgspec

from stream_app.intake.personal_text import is_personal

MAX_CATEGORIES = 12
OTHER = "(other)"


class RunningStats(msgspec.Struct, array_like=True):
    """Count, mean, spread and range of added values (Welford 1962; merged as by Chan et al. 1979)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def add(self, value: float) -> None:
        """Add one value."""
        value = float(value)  # an int would be stored as one, and read back as a different type
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)
        self.low = value if self.count == 1 else min(self.low, value)
        self.high = value if self.count == 1 else max(self.high, value)

    def merge(self, other: RunningStats) -> None:
        """Add all of another's values."""
        if not other.count:
            return
        if not self.count:
            self.low, self.high = other.low, other.high
        total = self.count + other.count
        delta = other.mean - self.mean
        self.squares += other.squares + delta * delta * self.count * other.count / total
        self.mean += delta * other.count / total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.count = total

    @property
    def total(self) -> float:
        """The sum of the values."""
        return self.mean * self.count

    @property
    def deviation(self) -> float:
        """Sample standard deviation; 0 for fewer than two values."""
        return sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0


Shares = dict[str, int]


def count_category(shares: Shares, category: str, count: int = 1) -> None:
    """Count a category; beyond `MAX_CATEGORIES` new ones are counted together."""
    if category not in shares and (len(shares) >= MAX_CATEGORIES or is_personal(category)):
        category = OTHER
    shares[category] = shares.get(category, 0) + count


def most_common(shares: Shares) -> str | None:
    """The most frequent category, ties by name, so that all runtimes agree."""
    if len(shares) < 2:  # most users have a single device and country
        return next(iter(shares), None)
    highest = max(shares.values())
    return min([category for category, count in shares.items() if count == highest])


def count_top(counts: dict[str, int], name: str, limit: int) -> None:
    """Count a name among the `limit` most frequent.

    A new name replaces the least frequent one and inherits its count. Source: Metwally, Agrawal, El Abbadi
    (2005), "Space-Saving": a count is never too low, and too high by at most the least count.
    """
    known = counts.get(name)
    if known is not None:
        counts[name] = known + 1
    elif len(counts) < limit:
        counts[name] = 1
    else:
        least = min(counts, key=lambda other: (counts[other], other))
        counts[name] = counts.pop(least) + 1


class DecayedSum(msgspec.Struct, array_like=True):
    """A sum whose contributions decay with a half-life; `at` is its reference time."""

    value: float = 0.0
    at: float = 0.0

    def add(self, weight: float, at: float, half_life: float) -> None:
        """Add a weight at event time `at`, in any time order."""
        behind = self.at - at
        if behind >= 0.0:
            self.value += weight * 0.5 ** (behind / half_life)
        else:
            self.value = self.value * 0.5 ** (-behind / half_life) + weight
            self.at = at

    def read(self, at: float, half_life: float) -> float:
        """The sum at event time `at`."""
        return float(self.value * 0.5 ** ((at - self.at) / half_life))

    def merge(self, other: DecayedSum, half_life: float) -> None:
        """Add another's sum."""
        self.add(other.value, other.at, half_life)
