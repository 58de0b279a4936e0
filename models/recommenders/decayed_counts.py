"""Counts with exponential forward decay, and the items that lead them.

Forward decay (Cormode, Shkapenyuk, Srivastava & Xu, ICDE 2009) weights an occurrence by its time after a
landmark. Time alone never reorders the items, so leaders change only when something is counted.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

DAY_SECONDS = 86_400.0
MOST_HALF_LIVES = 256  # after the landmark, which then moves on while weights shrink by this power of two


class DecayedCountsState(msgspec.Struct):
    """Landmark in epoch seconds, and the weights by number as little-endian doubles."""

    landmark: float | None
    entry_weight: float
    leaders: list[int]
    weights: bytes


class Leaders(NamedTuple):
    """Item numbers and their weights."""

    numbers: list[int]
    weights: list[float]


class DecayedCounts:
    """Decayed counts of item numbers below `size`, with at least the `leaders` largest always available."""

    def __init__(self, size: int, half_life_days: float, leaders: int) -> None:
        self._half_life = half_life_days * DAY_SECONDS
        self._wanted_leaders = leaders
        self._landmark: float | None = None
        self.weights = [0.0] * size
        self._leaders: set[int] = set()
        self._ranked: Leaders | None = None
        self._entry_weight = 0.0  # no item outside the leaders weighs more

    def weigh(self, at: float) -> float:
        """Return the weight of an occurrence at `at` (epoch seconds), moving the landmark if necessary."""
        if self._landmark is None:
            self._landmark = at
        half_lives = (at - self._landmark) / self._half_life
        if half_lives > MOST_HALF_LIVES:
            moved = half_lives // MOST_HALF_LIVES * MOST_HALF_LIVES
            self._landmark += moved * self._half_life
            self.weights = [weight * 2.0**-moved for weight in self.weights]
            self._entry_weight *= 2.0**-moved
            half_lives -= moved
        return float(2.0 ** max(half_lives, -MOST_HALF_LIVES))

    def add(self, numbers: Iterable[int], weight: float) -> None:
        """Count occurrences, each with a weight from `weigh`."""
        weights = self.weights
        for number in numbers:
            weights[number] = grown = weights[number] + weight
            if number in self._leaders:
                self._ranked = None
            elif grown > self._entry_weight:
                self._ranked = None
                self._leaders.add(number)
                if len(self._leaders) > 2 * self._wanted_leaders:
                    self._keep_leaders(list(self._leaders))

    def subtract(self, number: int, weight: float) -> None:
        """Remove an occurrence."""
        self.weights[number] = max(0.0, self.weights[number] - weight)
        if number in self._leaders:
            self._ranked = None
            if self.weights[number] <= self._entry_weight:
                self._lose_leader(number)

    def drop(self, number: int) -> None:
        """Forget an item."""
        self.weights[number] = 0.0
        if number in self._leaders:
            self._ranked = None
            self._lose_leader(number)

    def leaders(self) -> Leaders:
        """Return the leading items, heaviest first; among equals, the lower number comes first."""
        if self._ranked is None:
            weight_of = self.weights.__getitem__
            heaviest = sorted(sorted(self._leaders), key=weight_of, reverse=True)[: self._wanted_leaders]
            numbers = [number for number in heaviest if weight_of(number)]
            self._ranked = Leaders(numbers, [weight_of(number) for number in numbers])
        return self._ranked

    def to_state(self, size: int) -> DecayedCountsState:
        """Return all counts; numbers from `size` on must not have any."""
        weights = np.array(self.weights[:size], "<f8").tobytes()
        return DecayedCountsState(self._landmark, self._entry_weight, sorted(self._leaders), weights)

    def restore(self, state: DecayedCountsState) -> None:
        """Restore the state that `to_state` returned."""
        self._landmark = state.landmark
        self._entry_weight = state.entry_weight
        self._leaders = set(state.leaders)
        self._ranked = None
        weights = np.frombuffer(state.weights, "<f8").tolist()
        self.weights[: len(weights)] = weights

    def _lose_leader(self, number: int) -> None:
        self._leaders.discard(number)
        if self._entry_weight and len(self._leaders) < self._wanted_leaders:
            self._keep_leaders([number for number, weight in enumerate(self.weights) if weight])

    def _keep_leaders(self, numbers: list[int]) -> None:
        numbers.sort(key=lambda number: (self.weights[number], number))
        surplus = max(0, len(numbers) - self._wanted_leaders)
        self._entry_weight = self.weights[numbers[surplus - 1]] if surplus else 0.0
        self._leaders = set(numbers[surplus:])
