"""Sequential rules: what follows, and precedes, an item within a few clicks.

After Ludewig & Jannach, "Evaluation of session-based recommendation algorithms" (UMUAI 2018), SR: a rule
weighs the inverse of its distance in clicks. An item that repeats is a rule like any other.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.recommenders.item_sums import NO_ITEM, ItemSums
from models.recommenders.session_index import SessionIndex, ragged_ranges
from models.recommenders.session_view import SessionView
from models.recommenders.types import NO_CANDIDATES, Candidates, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class SequentialRulesSettings:
    """Distances are in clicks; `backward_weight` is that of a preceding item relative to a following one."""

    clicks: int = 150
    reach: int = 3
    backward_weight: float = 0.6
    fan_out: int = 40
    cached_items: int = 20_000


class _CachedRules(NamedTuple):
    version: int  # of the item in the index when its rules were read
    rules: Candidates


class SequentialRules:
    """Rules from an item, read off its most recent clicks and kept until one of these changes."""

    name = "sequential_rules"

    def __init__(self, index: SessionIndex, settings: SequentialRulesSettings | None = None) -> None:
        self.settings = settings or SequentialRulesSettings()
        self._index = index
        self._sums = ItemSums(index.limits.items + 1)
        distances = np.arange(1, self.settings.reach + 1)
        backward = self.settings.backward_weight / distances[::-1]
        self._weight_by_distance = np.concatenate((backward, [0.0], 1 / distances))  # from -reach to reach
        self._columns = np.zeros(index.limits.items + 1, np.int64)
        self._cache: dict[int, _CachedRules] = {}

    @property
    def cached_items(self) -> int:
        """Number of items whose rules are at hand."""
        return len(self._cache)

    def candidates(self, view: SessionView) -> Candidates:
        """Return the rules from the session's last item."""
        return self.rules_from(view.items[-1:])[0] if view.items else NO_CANDIDATES

    def rules_from(self, numbers: list[int]) -> list[Candidates]:
        """Return, for each item, the items near the clicks on it by their shares of the rules' weights."""
        versions = self._index.item_versions
        found = {number: self._cache.get(number) for number in numbers}
        stale = [number for number, kept in found.items() if kept is None or kept.version != versions[number]]
        if stale:
            for number, rules in zip(stale, self._read_rules(stale), strict=True):
                self._cache.pop(number, None)
                found[number] = self._cache[number] = _CachedRules(versions[number], rules)
            while len(self._cache) > self.settings.cached_items:
                del self._cache[next(iter(self._cache))]
        return [kept.rules for number in numbers if (kept := found[number])]

    def _read_rules(self, numbers: list[int]) -> list[Candidates]:
        """Read the rules from several items off the log at once, each as it would be read alone."""
        index, reach = self._index, self.settings.reach
        by_item = [index.positions_of(number, self.settings.clicks) for number in numbers]
        lengths = np.array([len(positions) for positions in by_item])
        item_rows = np.arange(len(numbers)).repeat(lengths)
        clicks = index.clicks_at(np.concatenate(by_item))
        ages = (clicks.ended_at[lengths.cumsum() - 1])[item_rows] - clicks.ended_at
        before = np.minimum(clicks.preceding, reach)
        after = np.minimum(clicks.following, reach)
        near, rows = ragged_ranges(clicks.positions - before, before + 1 + after)
        distances = near - clicks.positions[rows]
        weights = self._weight_by_distance[distances + reach] * index.recency(ages)[rows]
        items = index.items_at(near)
        distinct = self._sums.distinct(items)
        distinct.sort()  # rules of an item must not depend on which others were read with it
        self._columns[distinct] = np.arange(len(distinct))
        table = np.zeros((len(numbers), len(distinct)))
        np.add.at(table.reshape(-1), item_rows[rows] * len(distinct) + self._columns[items], weights)
        table[:, distinct == NO_ITEM] = 0.0
        return [self._heaviest(distinct, row) for row in table]

    def _heaviest(self, items: IntArray, weights: FloatArray) -> Candidates:
        kept = np.flatnonzero(weights)
        if len(kept) > self.settings.fan_out:
            kept = kept[weights[kept].argpartition(-self.settings.fan_out)[-self.settings.fan_out :]]
        scores = weights[kept]
        return Candidates(items[kept], scores / scores.sum())
