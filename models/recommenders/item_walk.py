"""A short random walk over the sequential rules, from the session's last items.

Rules alone know only items seen near each other; two steps reach what is near those, which matters
where items are new or rare. In the spirit of random walks over click graphs (Craswell & Szummer, SIGIR 2007).
"""

from dataclasses import dataclass

from models.recommenders.sequential_rules import SequentialRules, SequentialRulesSettings
from models.recommenders.session_view import SessionView
from models.recommenders.types import Candidates


@dataclass(frozen=True, slots=True)
class ItemWalkSettings:
    """Where the walk starts, how many steps it takes and how many of the likeliest items each step leaves.

    `clicks` are those read per item, fewer than for rules alone as a step reads many items.
    """

    start_items: int = 3
    start_decay: float = 0.5
    steps: int = 2
    width: int = 10
    clicks: int = 50


class ItemWalk:
    """Items by the probability that the walk ends there."""

    name = "item_walk"

    def __init__(self, settings: ItemWalkSettings | None = None) -> None:
        self.settings = settings or ItemWalkSettings()
        self._rules = SequentialRules(SequentialRulesSettings(clicks=self.settings.clicks))

    def candidates(self, view: SessionView) -> Candidates:
        """Return where the walk from the session's last distinct items may end."""
        settings = self.settings
        items = view.latest_distinct(settings.start_items)
        shares = [settings.start_decay**back for back in range(len(items))]
        reached = self._rules.reached(view, items, shares)
        for _ in range(settings.steps - 1):
            reached = self._rules.reached(view, *_likeliest(reached, settings.width))
        return reached


def _likeliest(candidates: Candidates, width: int) -> tuple[list[int], list[float]]:
    items, scores = candidates
    if len(items) > width:
        kept = scores.argpartition(-width)[-width:]
        items, scores = items[kept], scores[kept]
    return items.tolist(), scores.tolist()
