"""Sequential rules: what follows, and precedes, an item within a few clicks.

After Ludewig & Jannach, "Evaluation of session-based recommendation algorithms" (UMUAI 2018), SR: a rule
weighs the inverse of its distance in clicks. An item that repeats is a rule like any other.
"""

from dataclasses import dataclass

import numpy as np

from models.recommenders.item_sums import NO_ITEM
from models.recommenders.session_index import NEIGHBOUR_OFFSETS
from models.recommenders.session_view import SessionView
from models.recommenders.types import NO_CANDIDATES, Candidates


@dataclass(frozen=True, slots=True)
class SequentialRulesSettings:
    """Clicks read per item, and the weight of a preceding item relative to a following one.

    Rules are from the last `start_items` distinct items, each with `start_decay` of the weight of the next.
    """

    clicks: int = 100
    backward_weight: float = 0.6
    start_items: int = 3
    start_decay: float = 0.3


class SequentialRules:
    """Rules from items, read off their most recent clicks."""

    name = "sequential_rules"

    def __init__(self, settings: SequentialRulesSettings | None = None) -> None:
        self.settings = settings or SequentialRulesSettings()
        backward = np.where(NEIGHBOUR_OFFSETS < 0, self.settings.backward_weight, 1.0)
        self._weights = backward / np.abs(NEIGHBOUR_OFFSETS)

    def candidates(self, view: SessionView) -> Candidates:
        """Return the rules from the session's last items."""
        found = view.found.get(self.name)
        if found is None:
            items = view.latest_distinct(self.settings.start_items)
            shares = [self.settings.start_decay**back for back in range(len(items))]
            found = view.found[self.name] = self.reached(view, items, shares)
        return found

    def reached(self, view: SessionView, items: list[int], shares: list[float]) -> Candidates:
        """Return where one step by the rules leads from items that have these shares of all walkers."""
        if not items:
            return NO_CANDIDATES
        index, clicks = view.index, self.settings.clicks
        by_item = [index.positions_of(item, clicks) for item in items]
        lengths = np.array([len(positions) for positions in by_item])
        ends = lengths.cumsum()
        positions = np.concatenate(by_item)
        near = index.neighbours_at(positions)
        ended_at = index.session_ended_at[index.slots_at(positions)]
        recency = index.recency(ended_at[ends - 1].repeat(lengths) - ended_at)
        totals = np.add.reduceat((near != NO_ITEM) @ self._weights * recency, ends - lengths)
        totals[totals == 0.0] = 1.0
        recency *= (np.array(shares) / totals).repeat(lengths)
        weights = recency[:, None] * self._weights
        return view.sums.distribute(near.reshape(-1), weights.reshape(-1))
