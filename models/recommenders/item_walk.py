"""A short random walk over the sequential rules, from the session's last items.

Rules alone know only items seen near each other; a second step reaches what is near those, which matters
where items are new or rare. In the spirit of random walks over click graphs (Craswell & Szummer, SIGIR 2007).
"""

from dataclasses import dataclass

from models.recommenders.sequential_rules import SequentialRules, SequentialRulesSettings
from models.recommenders.session_view import SessionView
from models.recommenders.types import Candidates


@dataclass(frozen=True, slots=True)
class ItemWalkSettings:
    """How many of the likeliest items the first step leaves, and the clicks read of each for the second."""

    width: int = 10
    clicks: int = 50


class ItemWalk:
    """Items by the probability that the walk ends there after two steps."""

    name = "item_walk"

    def __init__(self, rules: SequentialRules, settings: ItemWalkSettings | None = None) -> None:
        self.settings = settings or ItemWalkSettings()
        self._first_step = rules
        self._second_step = SequentialRules(SequentialRulesSettings(clicks=self.settings.clicks))

    def candidates(self, view: SessionView) -> Candidates:
        """Return where the walk from the session's last distinct items may end."""
        items, scores = self._first_step.candidates(view)
        if len(items) > self.settings.width:
            kept = scores.argpartition(-self.settings.width)[-self.settings.width :]
            items, scores = items[kept], scores[kept]
        return self._second_step.reached(view, items.tolist(), scores.tolist())
