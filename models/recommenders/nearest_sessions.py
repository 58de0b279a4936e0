"""VMIS-kNN: the items of the sessions that resemble the open one.

After Kersbergen, Sprangers & Schelter, "Serenade" (SIGMOD 2022).
"""

import math
from dataclasses import dataclass

import numpy as np

from stream_app.models.recommenders.ranking import leading
from stream_app.models.recommenders.session_index import SessionIndex, ragged_positions
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import (
    NO_CANDIDATES,
    NO_VOTES,
    Candidates,
    FloatArray,
    IntArray,
    Votes,
)


@dataclass(frozen=True, slots=True)
class NearestSessionsSettings:
    """Clicks read per item, distinct last items matched, and the number of neighbours that vote."""

    clicks_per_item: int = 250
    neighbours: int = 75
    matched_items: int = 5
    match_decay: float = 0.7


class NearestSessions:
    """Items of closed sessions that share the open session's last items; rare items count more."""

    name = "nearest_sessions"

    def __init__(self, index: SessionIndex, settings: NearestSessionsSettings | None = None) -> None:
        self.settings = settings or NearestSessionsSettings()
        self._similarities = np.zeros(index.limits.sessions)
        self._first_seen = np.zeros(index.limits.sessions, np.int64)
        self._occurrences = np.arange(self.settings.matched_items * self.settings.clicks_per_item)

    def candidates(self, view: SessionView) -> Candidates:
        """Return the items of the neighbouring sessions by the sum of similarities."""
        votes = self.votes(view)
        return view.sums.distribute(votes) if len(votes.items) else NO_CANDIDATES

    def votes(self, view: SessionView) -> Votes:
        """Return every click of the neighbours with the similarity of its session."""
        slots, similarities = self._neighbours(view)
        if not len(slots):
            return NO_VOTES
        index = view.index
        lengths = index.session_lengths[slots]
        positions = ragged_positions(index.session_starts[slots], lengths)
        return Votes(index.items_at(positions), similarities.repeat(lengths))

    def _neighbours(self, view: SessionView) -> tuple[IntArray, FloatArray]:
        """Return the places of the nearest sessions in the ring of sessions, and their similarities."""
        items = view.latest_distinct(self.settings.matched_items)
        if not items:
            return NO_CANDIDATES
        index = view.index
        similarities = self._similarities
        clicks = [index.positions_of(item, self.settings.clicks_per_item) for item in items]
        slots = index.slots_at(np.concatenate(clicks)).astype(np.int64)
        match, end = 1.0, 0
        for item, positions in zip(items, clicks, strict=True):
            start, end = end, end + len(positions)
            idf = math.log1p(index.live_sessions / index.item_clicks[item])
            similarities[slots[start:end]] += match * idf  # once even if a session repeats the item
            match *= self.settings.match_decay
        occurrences = self._occurrences[: len(slots)]
        self._first_seen[slots[::-1]] = occurrences[::-1]
        slots = slots[self._first_seen[slots] == occurrences]
        found = similarities[slots]
        similarities[slots] = 0.0
        found *= index.recency_weights[slots]
        nearest = leading(found, index.session_starts[slots], self.settings.neighbours)
        return slots[nearest], found[nearest]
