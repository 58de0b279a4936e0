"""Decayed click counts of items by group, and the leaders of each group.

Weights are whole numbers, so that adding and taking back leaves exactly what was there before, in any
order: counts after an erasure are those of a stream without the erased person.
"""

from collections.abc import Sequence
from heapq import nlargest

from models.recommenders.types import ScoredItem

MOST_LEADERS = 100


class GroupedCounts:
    """Weights by group and item. What bounds them is what they count: each addition is taken back in time."""

    def __init__(self) -> None:
        self._weights: dict[str, dict[str, int]] = {}
        self._clicks: dict[str, int] = {}
        self._leaders: dict[str, list[ScoredItem]] = {}

    def __len__(self) -> int:
        return len(self._weights)

    def clicks(self, group: str) -> int:
        """Return how many clicks a group counts, whatever their weight."""
        return self._clicks.get(group, 0)

    def add(self, group: str, items: Sequence[str], weight: int) -> None:
        """Count clicks of the same weight, which must be positive."""
        weights = self._weights.setdefault(group, {})
        for item in items:
            weights[item] = weights.get(item, 0) + weight
        self._clicks[group] = self._clicks.get(group, 0) + len(items)
        self._leaders.pop(group, None)

    def subtract(self, group: str, items: Sequence[str], weight: int) -> None:
        """Take clicks back; raise KeyError where one was not counted."""
        weights = self._weights[group]
        for item in items:
            weights[item] -= weight
            if not weights[item]:
                del weights[item]
        self._clicks[group] -= len(items)
        self._leaders.pop(group, None)
        if not weights:
            del self._weights[group], self._clicks[group]

    def leaders(self, group: str, source: str) -> list[ScoredItem]:
        """Return at most `MOST_LEADERS` items by their shares in a group; of equal ones the first by name."""
        leaders = self._leaders.get(group)
        if leaders is None:
            weights = self._weights.get(group, {})
            total = sum(weights.values())
            least = min(nlargest(MOST_LEADERS, weights.values()), default=0)
            first = sorted((-weight, item) for item, weight in weights.items() if weight >= least)
            leaders = [ScoredItem(item, -weight / total, source) for weight, item in first[:MOST_LEADERS]]
            self._leaders[group] = leaders
        return leaders
