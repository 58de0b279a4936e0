"""Decayed click counts of items by group, and the leaders of each group.

Weights are integers, so that adding and subtracting cancel exactly, in any order: after an erasure, counts
are those of a stream without the erased person.
"""

from collections.abc import Mapping
from heapq import nlargest

from stream_app.models.recommenders.types import ScoredItem

MOST_LEADERS = 100


class _Group:
    __slots__ = ("clicks", "leaders", "weights")

    def __init__(self) -> None:
        self.weights: dict[str, int] = {}
        self.clicks = 0
        self.leaders: list[ScoredItem] | None = None  # None if clicks have changed since


class GroupedCounts:
    """Weights by group and item, bounded by their source: each addition is eventually subtracted."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def clicks(self, group: str) -> int:
        """Return a group's number of clicks, whatever their weight."""
        found = self._groups.get(group)
        return 0 if found is None else found.clicks

    def add(self, group: str, clicks: Mapping[str, int], weight: int) -> None:
        """Count clicks by item, at least one each, all with the same positive weight."""
        found = self._groups.get(group)
        if found is None:
            found = self._groups[group] = _Group()
        weights = found.weights
        for item, count in clicks.items():
            weights[item] = weights.get(item, 0) + weight * count
            found.clicks += count
        found.leaders = None

    def subtract(self, group: str, clicks: Mapping[str, int], weight: int) -> None:
        """Subtract clicks; raise KeyError if one was not counted."""
        found = self._groups[group]
        weights = found.weights
        for item, count in clicks.items():
            left = weights[item] - weight * count
            if left:
                weights[item] = left
            else:
                del weights[item]
            found.clicks -= count
        found.leaders = None
        if not weights:
            del self._groups[group]

    def leaders(self, group: str, source: str) -> list[ScoredItem]:
        """Return at most `MOST_LEADERS` items by their shares in a group; equals are ordered by name."""
        found = self._groups.get(group)
        if found is None:
            return []
        if found.leaders is None:
            weights = found.weights
            total = sum(weights.values())
            least = min(nlargest(MOST_LEADERS, weights.values()))
            first = sorted((-weight, item) for item, weight in weights.items() if weight >= least)
            found.leaders = [
                ScoredItem(item, -weight / total, source) for weight, item in first[:MOST_LEADERS]
            ]
        return found.leaders
