"""Sequential rules: what follows, and precedes, an item within a few clicks.

After Ludewig & Jannach, "Evaluation of session-based recommendation algorithms" (UMUAI 2018), SR: a rule
weighs the inverse of its distance in clicks. A repeated item is a rule like any other.
"""

from dataclasses import dataclass

import numpy as np

from stream_app.models.recommenders.item_sums import NO_ITEM
from stream_app.models.recommenders.ranking import running_total
from stream_app.models.recommenders.session_index import NEIGHBOUR_OFFSETS
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import NO_CANDIDATES, Candidates, FloatArray, IntArray, Votes

SIDES = len(NEIGHBOUR_OFFSETS)
LEAST_TOTAL = 1e-300  # for an item without rules: its share reaches nothing


@dataclass(frozen=True, slots=True)
class SequentialRulesSettings:
    """Clicks read per item, and the weight of a preceding item relative to a following one.

    Rules are from the last `start_items` distinct items, each with `start_decay` of the weight of the next.
    With `repeats`, a repeated click is a rule from the item to itself.
    """

    clicks: int = 100
    backward_weight: float = 0.6
    start_items: int = 3
    start_decay: float = 0.3
    repeats: bool = True


class SequentialRules:
    """Rules from items, derived from their most recent clicks."""

    name = "sequential_rules"

    def __init__(self, settings: SequentialRulesSettings | None = None) -> None:
        self.settings = settings or SequentialRulesSettings()
        self.start_shares = np.power(
            self.settings.start_decay, np.arange(self.settings.start_items, dtype=np.float64)
        )
        backward = np.where(NEIGHBOUR_OFFSETS < 0, self.settings.backward_weight, 1.0)
        self.side_weights = backward / np.abs(NEIGHBOUR_OFFSETS)
        self._tiled_weights = np.tile(self.side_weights, self.settings.clicks * self.settings.start_items)

    def candidates(self, view: SessionView) -> Candidates:
        """Return the rules from the session's last items."""
        found = view.found.get(self.name)
        if found is None:
            items = view.latest_distinct(self.settings.start_items)
            found = view.found[self.name] = self.reached(view, items, self.start_shares[: len(items)])
        return found

    def votes(self, view: SessionView) -> Votes:
        """Return the rules, already summed if the walk has used them."""
        return Votes(*self.candidates(view))

    def reached(self, view: SessionView, items: list[int], shares: FloatArray) -> Candidates:
        """Return where one step by the rules leads, from items with these shares of all walkers.

        There may be at most `start_items` of them.
        """
        return view.sums.distribute(self.steps(view, items, shares)) if items else NO_CANDIDATES

    def steps(self, view: SessionView, items: list[int], shares: FloatArray) -> Votes:
        """Return each rule from one to `start_items` items; those from one item sum to its share."""
        clicks = self.settings.clicks
        by_item = [view.index.positions_of(item, clicks) for item in items]
        lengths = np.array([len(positions) for positions in by_item])
        near, recency = view.index.neighbourhoods(np.concatenate(by_item))
        reached = near.reshape(-1)
        weights = recency.repeat(SIDES)
        weights *= self._tiled_weights[: len(weights)]
        if self.settings.repeats:
            weights *= reached != NO_ITEM
        else:
            weights *= (reached != NO_ITEM) & (reached != np.array(items).repeat(lengths * SIDES))
        totals = self._totals(weights, lengths)
        weights *= (shares / np.maximum(totals, LEAST_TOTAL)).repeat(lengths * SIDES)
        return Votes(reached, weights, running_total(np.where(totals > 0.0, shares, 0.0)))

    def _totals(self, weights: FloatArray, lengths: IntArray) -> FloatArray:
        """Return the sums of the rules from each item, first by side, as in compiled code."""
        rows = np.arange(len(lengths)).repeat(lengths)
        cells = (rows[:, None] * SIDES + np.arange(SIDES)).reshape(-1)
        by_side = np.bincount(cells, weights, len(lengths) * SIDES).reshape(-1, SIDES)
        totals: FloatArray = np.add.accumulate(by_side, axis=1)[:, -1]
        return totals
