"""What recommendations need to know about items, from the catalogue or, failing that, from sessions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

import msgspec

from stream_app.schemas.catalogue import CatalogueItem


class ItemFacts(msgspec.Struct, frozen=True, array_like=True):
    """What is known about an item; times in epoch seconds, None for no bound."""

    category: str | None = None
    brand: str | None = None
    is_available: bool = True
    available_at: float | None = None
    expires_at: float | None = None


class CatalogueViewState(msgspec.Struct):
    """Facts by item, from the catalogue and from sessions, least recently updated first."""

    limit: int
    evictions: int
    catalogued: dict[str, ItemFacts]
    told: dict[str, ItemFacts]


UNKNOWN = ItemFacts()


class CatalogueView:
    """Facts of at most `limit` items from each side; the least recently updated is evicted first.

    Facts from sessions are kept separate, so that they depend only on the sessions, whenever the catalogue
    arrives.
    """

    def __init__(self, limit: int = 100_000) -> None:
        if limit < 1:
            raise ValueError(f"a catalogue needs room for one item at least, not {limit}")
        self.limit = limit
        self.evictions = 0
        self._catalogued: dict[str, ItemFacts] = {}
        self._told: dict[str, ItemFacts] = {}
        self._restricted: set[str] = set()  # catalogue items that are not showable at all times

    def __len__(self) -> int:
        return len(self._catalogued.keys() | self._told.keys())

    def put(self, item: CatalogueItem) -> None:
        """Store an item's catalogue entry, replacing any earlier one."""
        facts = ItemFacts(
            category=item.category,
            brand=item.brand,
            is_available=item.available,
            available_at=_epoch(item.available_at),
            expires_at=_epoch(item.expires_at),
        )
        if facts != self._catalogued.get(item.item_id):  # reading it again does not even change the order
            self._restricted.discard(self._put(self._catalogued, item.item_id, facts))
            self._restrict(item.item_id, facts)

    def learn(self, item_id: str, category: str | None, brand: str | None = None) -> None:
        """Note what a session says about an item; None keeps what is known."""
        if category is None and brand is None:
            return
        known = self._told.get(item_id, UNKNOWN)
        category, brand = category or known.category, brand or known.brand
        is_news = category != known.category or brand != known.brand
        self._put(self._told, item_id, ItemFacts(category, brand) if is_news else known)

    def tell(self, item_ids: Iterable[str]) -> None:
        """Note the current catalogue facts of items, as if their session had carried them."""
        for item_id in item_ids:
            if (facts := self.catalogued(item_id)) is not None:
                self.learn(item_id, facts.category, facts.brand)

    def facts(self, item_id: str) -> ItemFacts:
        """Return an item's facts from the catalogue or, failing that, from sessions."""
        return self._catalogued.get(item_id) or self.session_facts(item_id)

    def session_facts(self, item_id: str) -> ItemFacts:
        """Return an item's facts from sessions; an unknown item has no restrictions."""
        return self._told.get(item_id, UNKNOWN)

    def catalogued(self, item_id: str) -> ItemFacts | None:
        """Return an item's catalogue facts; None if it is not in the catalogue."""
        return self._catalogued.get(item_id)

    def is_showable(self, item_id: str, now: float) -> bool:
        """Return whether an item may be shown at a time: available by then and not yet expired."""
        if item_id not in self._restricted:  # called for every place of every list
            return True
        facts = self._catalogued[item_id]
        return (
            facts.is_available
            and (facts.available_at is None or facts.available_at <= now)
            and (facts.expires_at is None or now < facts.expires_at)
        )

    def to_state(self) -> CatalogueViewState:
        """Return all facts."""
        return CatalogueViewState(self.limit, self.evictions, self._catalogued, self._told)

    @classmethod
    def from_state(cls, state: CatalogueViewState) -> Self:
        """Restore what `to_state` returned."""
        view = cls(state.limit)
        view.evictions = state.evictions
        view._catalogued, view._told = dict(state.catalogued), dict(state.told)
        for item_id, facts in view._catalogued.items():
            view._restrict(item_id, facts)
        return view

    def _put(self, known: dict[str, ItemFacts], item_id: str, facts: ItemFacts) -> str:
        """Store facts as the newest and return the item evicted for them, or ""."""
        evicted = ""
        if known.pop(item_id, None) is None and len(known) >= self.limit:
            evicted = next(iter(known))
            del known[evicted]
            self.evictions += 1
        known[item_id] = facts
        return evicted

    def _restrict(self, item_id: str, facts: ItemFacts) -> None:
        if facts.is_available and facts.available_at is None and facts.expires_at is None:
            self._restricted.discard(item_id)
        else:
            self._restricted.add(item_id)


def _epoch(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
