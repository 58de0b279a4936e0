"""A short random walk over the sequential rules, from the session's last items.

Rules alone know only items seen near each other; two steps reach what is near those, which matters
where items are new or rare. In the spirit of random walks over click graphs (Craswell & Szummer, SIGIR 2007).
"""

from dataclasses import dataclass

import numpy as np

from models.recommenders.sequential_rules import SequentialRules
from models.recommenders.session_view import SessionView
from models.recommenders.types import NO_CANDIDATES, Candidates


@dataclass(frozen=True, slots=True)
class ItemWalkSettings:
    """Where the walk starts, how many steps it takes and how many of the likeliest items each step leaves."""

    start_items: int = 3
    start_decay: float = 0.5
    steps: int = 2
    width: int = 10


class ItemWalk:
    """Items by the probability that the walk ends there."""

    name = "item_walk"

    def __init__(self, rules: SequentialRules, settings: ItemWalkSettings | None = None) -> None:
        self.settings = settings or ItemWalkSettings()
        self._rules = rules

    def candidates(self, view: SessionView) -> Candidates:
        """Return where the walk from the session's last distinct items may end."""
        settings = self.settings
        items = view.latest_distinct(settings.start_items)
        shares = [settings.start_decay**back for back in range(len(items))]
        reached = self._step(view, items, shares)
        for _ in range(settings.steps - 1):
            reached = self._step(view, *_likeliest(reached, settings.width))
        return reached

    def _step(self, view: SessionView, items: list[int], shares: list[float]) -> Candidates:
        rules = self._rules.rules_from(items)
        if not rules:
            return NO_CANDIDATES
        weights = np.array(shares).repeat([len(rule.items) for rule in rules])
        weights *= np.concatenate([rule.scores for rule in rules])
        return view.sums.distribute(np.concatenate([rule.items for rule in rules]), weights)


def _likeliest(candidates: Candidates, width: int) -> tuple[list[int], list[float]]:
    items, scores = candidates
    if len(items) > width:
        kept = scores.argpartition(-width)[-width:]
        items, scores = items[kept], scores[kept]
    return items.tolist(), scores.tolist()
