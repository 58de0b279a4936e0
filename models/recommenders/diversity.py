"""A cap on how many items of one category or brand a list may show."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from stream_app.models.recommenders.catalogue_view import ItemFacts
from stream_app.models.recommenders.types import Scored

ScoredT = TypeVar("ScoredT", bound=Scored)


class GroupCaps(NamedTuple):
    """The most items of one category and of one brand; None for no cap."""

    per_category: int | None = None
    per_brand: int | None = None


class CappedGroups:
    """Counts groups while a list is filled. Items without a known category or brand are not capped."""

    def __init__(self, caps: GroupCaps, facts_of: Callable[[str], ItemFacts]) -> None:
        self._caps = caps
        self._facts_of = facts_of
        self._categories: dict[str, int] = {}
        self._brands: dict[str, int] = {}

    def has_room(self, item_id: str) -> bool:
        """Return whether an item may be added."""
        if self._caps == NO_CAPS:
            return True
        facts = self._facts_of(item_id)
        return _fits(self._categories, facts.category, self._caps.per_category) and _fits(
            self._brands, facts.brand, self._caps.per_brand
        )

    def add(self, item_id: str) -> None:
        """Count an item."""
        facts = self._facts_of(item_id)
        if facts.category is not None:
            self._categories[facts.category] = self._categories.get(facts.category, 0) + 1
        if facts.brand is not None:
            self._brands[facts.brand] = self._brands.get(facts.brand, 0) + 1

    def admit(self, items: Iterable[ScoredT]) -> Iterator[ScoredT]:
        """Return the items that fit, in their order, counting each as it is drawn."""
        return iter(items) if self._caps == NO_CAPS else self._admit(items)

    def _admit(self, items: Iterable[ScoredT]) -> Iterator[ScoredT]:
        for item in items:
            if self.has_room(item[0]):
                self.add(item[0])
                yield item


NO_CAPS = GroupCaps()


def _fits(counts: Mapping[str, int], group: str | None, most: int | None) -> bool:
    return group is None or most is None or counts.get(group, 0) < most
