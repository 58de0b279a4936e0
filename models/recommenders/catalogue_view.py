"""What recommendations need to know of items, from the catalogue and, where that is silent, from events."""

from datetime import datetime
from typing import Self

import msgspec

from schemas.catalogue import CatalogueItem


class ItemFacts(msgspec.Struct, frozen=True, array_like=True):
    """What is known of an item; times in epoch seconds, None for no bound."""

    category: str | None = None
    brand: str | None = None
    is_available: bool = True
    available_at: float | None = None
    expires_at: float | None = None
    is_catalogued: bool = False


class CatalogueViewState(msgspec.Struct):
    """Facts by item, the item told of longest ago first."""

    limit: int
    evictions: int
    facts: dict[str, ItemFacts]


UNKNOWN = ItemFacts()


class CatalogueView:
    """Facts of at most `limit` items; the one told of longest ago goes first."""

    def __init__(self, limit: int = 100_000) -> None:
        if limit < 1:
            raise ValueError(f"a catalogue needs room for one item at least, not {limit}")
        self.limit = limit
        self.evictions = 0
        self._facts: dict[str, ItemFacts] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, item: CatalogueItem) -> None:
        """Take over what a catalogue says of an item, in place of all that was known of it."""
        facts = ItemFacts(
            category=item.category,
            brand=item.brand,
            is_available=item.available,
            available_at=_epoch(item.available_at),
            expires_at=_epoch(item.expires_at),
            is_catalogued=True,
        )
        if facts != self._facts.get(item.item_id):  # read again it changes nothing, not even the order
            self._put(item.item_id, facts)

    def learn(self, item_id: str, category: str | None, brand: str | None = None) -> None:
        """Note what an event says of an item, unless a catalogue has spoken; None leaves what is known."""
        known = self._facts.get(item_id, UNKNOWN)
        if known.is_catalogued or (category is None and brand is None):
            return
        self._put(item_id, ItemFacts(category or known.category, brand or known.brand))

    def facts(self, item_id: str) -> ItemFacts:
        """Return what is known of an item; of an unknown one, that nothing speaks against it."""
        return self._facts.get(item_id, UNKNOWN)

    def is_showable(self, item_id: str, now: float) -> bool:
        """Say whether an item may be shown at a time: available by then and not yet expired."""
        facts = self._facts.get(item_id, UNKNOWN)
        return (
            facts.is_available
            and (facts.available_at is None or facts.available_at <= now)
            and (facts.expires_at is None or now < facts.expires_at)
        )

    def to_state(self) -> CatalogueViewState:
        """Return all facts."""
        return CatalogueViewState(self.limit, self.evictions, self._facts)

    @classmethod
    def from_state(cls, state: CatalogueViewState) -> Self:
        """Return what `to_state` described."""
        view = cls(state.limit)
        view.evictions, view._facts = state.evictions, dict(state.facts)
        return view

    def _put(self, item_id: str, facts: ItemFacts) -> None:
        known = self._facts.pop(item_id, None)
        if known is None and len(self._facts) >= self.limit:
            del self._facts[next(iter(self._facts))]
            self.evictions += 1
        self._facts[item_id] = facts


def _epoch(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
