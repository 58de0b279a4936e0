"""A short random walk over the sequential rules, from the session's last items.

Rules only know items seen near each other. A second step reaches the neighbours of those, which helps with
new or rare items. Repeated clicks on the same item are not steps of the walk, because other sources cover
them. Based on random walks over click graphs (Craswell & Szummer, SIGIR 2007).
"""

from dataclasses import dataclass

from stream_app.models.recommenders.ranking import leading
from stream_app.models.recommenders.sequential_rules import SequentialRules, SequentialRulesSettings
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import NO_CANDIDATES, NO_VOTES, Candidates, Votes


@dataclass(frozen=True, slots=True)
class ItemWalkSettings:
    """How many of the likeliest items the first step keeps, and the clicks read for each in the second."""

    width: int = 10
    clicks: int = 50


class ItemWalk:
    """Items by the probability that the walk ends there after two steps."""

    name = "item_walk"

    def __init__(self, rules: SequentialRules, settings: ItemWalkSettings | None = None) -> None:
        self.settings = settings or ItemWalkSettings()
        self._first_step = rules
        self._second_step = SequentialRules(
            SequentialRulesSettings(self.settings.clicks, start_items=self.settings.width, repeats=False)
        )

    def candidates(self, view: SessionView) -> Candidates:
        """Return the items where the walk from the session's last distinct items may end."""
        votes = self.votes(view)
        return view.sums.distribute(votes) if len(votes.items) else NO_CANDIDATES

    def votes(self, view: SessionView) -> Votes:
        """Return every second step with the share of walkers that take it."""
        items, scores = self._first_step.candidates(view)
        if not len(items):
            return NO_VOTES
        likeliest = leading(scores, view.index.item_last_click[items], self.settings.width)
        return self._second_step.steps(view, items[likeliest].tolist(), scores[likeliest])
