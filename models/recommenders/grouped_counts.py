"""Decayed click counts of items by group, and the leaders of each group.

Weights are whole numbers, so that adding and taking back leaves exactly what was there before, in any
order: counts after an erasure are those of a stream without the erased person.
"""

from heapq import nsmallest

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

    def add(self, group: str, item: str, weight: int) -> None:
        """Count a click; its weight must be positive."""
        items = self._weights.setdefault(group, {})
        items[item] = items.get(item, 0) + weight
        self._clicks[group] = self._clicks.get(group, 0) + 1
        self._leaders.pop(group, None)

    def subtract(self, group: str, item: str, weight: int) -> None:
        """Take a click back; raise KeyError where none on that item was counted."""
        items = self._weights[group]
        items[item] -= weight
        self._clicks[group] -= 1
        self._leaders.pop(group, None)
        if not items[item]:
            del items[item]
        if not items:
            del self._weights[group], self._clicks[group]

    def leaders(self, group: str, source: str) -> list[ScoredItem]:
        """Return at most `MOST_LEADERS` items by their shares in a group; of equal ones the first by name."""
        leaders = self._leaders.get(group)
        if leaders is None:
            weights = self._weights.get(group, {})
            total = sum(weights.values())
            first = nsmallest(MOST_LEADERS, weights.items(), key=lambda entry: (-entry[1], entry[0]))
            leaders = [ScoredItem(item, weight / total, source) for item, weight in first]
            self._leaders[group] = leaders
        return leaders
