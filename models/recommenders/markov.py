"""Markov chain of variable order with back-off: what came next after the same last clicks.

The estimate of each order is interpolated with that of the order below, in proportion to the evidence
(Jelinek-Mercer interpolation with Witten-Bell-like weights): n / (n + `evidence`) for n observations.
"""

from dataclasses import dataclass

import numpy as np

from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import NO_CANDIDATES, Candidates, Votes


@dataclass(frozen=True, slots=True)
class MarkovSettings:
    """The longest context in clicks, and the number of observations that weigh as much as the lower order."""

    order: int = 2
    evidence: float = 20.0
    clicks: int = 1_000


class MarkovChain:
    """Next-click probabilities, from the most recent clicks on the last item."""

    def __init__(self, settings: MarkovSettings | None = None, name: str = "markov") -> None:
        self.settings = settings or MarkovSettings()
        self.name = name

    def candidates(self, view: SessionView) -> Candidates:
        """Return the items clicked right after the last item, by probability."""
        if not view.items:
            return NO_CANDIDATES
        index = view.index
        last = index.clicks_at(index.positions_of(view.items[-1], self.settings.clicks))
        continued = np.flatnonzero(last.following > 0)
        if not len(continued):
            return NO_CANDIDATES
        positions, preceding = last.positions[continued], last.preceding[continued]
        recency = index.recency(last.ended_at.max() - last.ended_at)[continued]
        probabilities = recency / recency.sum()
        matching = np.arange(len(positions))
        for back in range(1, min(self.settings.order, len(view.items))):
            matching = matching[preceding[matching] >= back]
            matching = matching[index.items_at(positions[matching] - back) == view.items[-1 - back]]
            if not len(matching):
                break
            observed = recency[matching].sum()
            trust = observed / (observed + self.settings.evidence)
            probabilities *= 1 - trust
            probabilities[matching] += trust * recency[matching] / observed
        return view.sums.distribute(Votes(index.items_at(positions + 1), probabilities))
