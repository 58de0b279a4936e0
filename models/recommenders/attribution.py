"""Clicks on recommended items, traced to the request that showed them, and counted."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

MOST_SOURCES = 64
MOST_RANK = 100


class EmittedItem(msgspec.Struct, frozen=True, array_like=True):
    """An item as shown."""

    item_id: str
    source: str
    propensity: float
    is_explored: bool = False


class Emission(msgspec.Struct, frozen=True, array_like=True):
    """One list that was shown; times in epoch seconds of event time, items in rank order."""

    request_id: str
    emitted_at: float
    expires_at: float
    items: tuple[EmittedItem, ...]


class RecommendedClick(NamedTuple):
    """A click on a recommended item. `rank` counts from 1."""

    request_id: str
    item_id: str
    rank: int
    source: str
    propensity: float
    is_explored: bool
    delay: float


class Tally(msgspec.Struct, array_like=True):
    """Items shown, items clicked, and clicks weighted by inverse propensity."""

    shown: int = 0
    clicked: int = 0
    weighed_clicks: float = 0.0


class AttributionState(msgspec.Struct):
    """Tallies by source and by rank."""

    requests: int
    by_source: dict[str, Tally]
    by_rank: dict[int, Tally]


class Attribution:
    """Tallies of items shown and clicked, by source and by rank; both are capped."""

    def __init__(self) -> None:
        self.requests = 0
        self.by_source: dict[str, Tally] = {}
        self.by_rank: dict[int, Tally] = {}

    def note_emission(self, emission: Emission) -> None:
        """Count a list as shown."""
        self.requests += 1
        for rank, item in enumerate(emission.items, 1):
            for tally in self._tallies(item.source, rank):
                tally.shown += 1

    def note_click(self, click: RecommendedClick) -> None:
        """Count a click on a recommended item."""
        for tally in self._tallies(click.source, click.rank):
            tally.clicked += 1
            tally.weighed_clicks += 1 / click.propensity

    def to_state(self) -> AttributionState:
        """Return all tallies."""
        return AttributionState(self.requests, self.by_source, self.by_rank)

    def restore(self, state: AttributionState) -> None:
        """Restore the state that `to_state` returned."""
        self.requests, self.by_source, self.by_rank = state.requests, state.by_source, state.by_rank

    def _tallies(self, source: str, rank: int) -> tuple[Tally, Tally]:
        if source not in self.by_source and len(self.by_source) >= MOST_SOURCES:
            source = "other"
        rank = min(rank, MOST_RANK)
        if source not in self.by_source:
            self.by_source[source] = Tally()
        if rank not in self.by_rank:
            self.by_rank[rank] = Tally()
        return self.by_source[source], self.by_rank[rank]


def attribute_click(emissions: Sequence[Emission], item_id: str, at: float) -> RecommendedClick | None:
    """Return the click, attributed to the latest valid list that showed the item; None if none did.

    A list is valid from its emission until just before its expiry.
    """
    for emission in sorted(emissions, key=lambda shown: -shown.emitted_at):
        if not emission.emitted_at <= at < emission.expires_at:
            continue
        for rank, item in enumerate(emission.items, 1):
            if item.item_id == item_id:
                return RecommendedClick(
                    emission.request_id,
                    item_id,
                    rank,
                    item.source,
                    item.propensity,
                    item.is_explored,
                    at - emission.emitted_at,
                )
    return None
