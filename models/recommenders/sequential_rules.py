"""Sequential rules: what follows, and precedes, an item within a few clicks.

After Ludewig & Jannach, "Evaluation of session-based recommendation algorithms" (UMUAI 2018), SR: a rule
weighs the inverse of its distance in clicks. An item that repeats is a rule like any other.
"""

from dataclasses import dataclass

import numpy as np

from models.recommenders.item_sums import NO_ITEM
from models.recommenders.session_view import SessionView
from models.recommenders.types import NO_CANDIDATES, Candidates


@dataclass(frozen=True, slots=True)
class SequentialRulesSettings:
    """Distances are in clicks; `backward_weight` is that of a preceding item relative to a following one."""

    clicks: int = 150
    reach: int = 3
    backward_weight: float = 0.6


class SequentialRules:
    """Rules from an item, read off its most recent clicks."""

    name = "sequential_rules"

    def __init__(self, settings: SequentialRulesSettings | None = None) -> None:
        self.settings = settings or SequentialRulesSettings()
        distances = np.arange(1, self.settings.reach + 1)
        self._offsets = np.concatenate((-distances, distances))[:, None]
        self._weights = np.concatenate((self.settings.backward_weight / distances, 1 / distances))

    def candidates(self, view: SessionView) -> Candidates:
        """Return the rules from the session's last item."""
        return self.reached(view, view.items[-1:], [1.0])

    def reached(self, view: SessionView, items: list[int], shares: list[float]) -> Candidates:
        """Return where one step by the rules leads from items that have these shares of all walkers."""
        if not items:
            return NO_CANDIDATES
        index, clicks = view.index, self.settings.clicks
        by_item = [index.positions_of(item, clicks) for item in items]
        lengths = np.array([len(positions) for positions in by_item])
        ends = lengths.cumsum()
        positions = np.concatenate(by_item)
        places = (positions + self._offsets) & index.click_ring_mask  # offsets x clicks
        own_slots = index.slots_at(positions)
        near = index.click_items[places]
        counted = (index.click_sessions[places] == own_slots) & (near != NO_ITEM)
        ended_at = index.session_ended_at[own_slots]
        recency = index.recency(ended_at[ends - 1].repeat(lengths) - ended_at)
        totals = np.add.reduceat(self._weights @ counted * recency, ends - lengths)
        totals[totals == 0.0] = 1.0
        weights = self._weights[:, None] * (recency * (np.array(shares) / totals).repeat(lengths))
        return view.sums.distribute(near[counted], weights[counted])
