"""Lists that were given over the API: what of them was seen and clicked, by surface and source."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stream_app.schemas.outputs import RecommendedItem

MOST_LISTS = 100_000
MOST_SURFACES = 50
OTHER_SURFACES = "other"


@dataclass(slots=True)
class _List:
    surface: str
    given_at: float
    sources: dict[str, str]
    seen: set[str] = field(default_factory=set)
    clicked: set[str] = field(default_factory=set)


class ShownLists:
    """The lists of the last `validity` seconds, at most `MOST_LISTS`; nothing in it names a user.

    `clock` gives epoch seconds.
    """

    def __init__(self, validity: float, clock: Callable[[], float], most_lists: int = MOST_LISTS) -> None:
        self._validity = validity
        self._clock = clock
        self._most_lists = most_lists
        self._lists: OrderedDict[str, _List] = OrderedDict()
        self._counts: dict[str, Counter[str]] = {}

    def give(self, request_id: str, surface: str, items: Sequence[RecommendedItem]) -> None:
        """Note a list that is given."""
        if surface not in self._counts and len(self._counts) >= MOST_SURFACES:
            surface = OTHER_SURFACES
        now = self._clock()
        self._lists[request_id] = _List(surface, now, {item.item_id: item.source for item in items})
        self._counts.setdefault(surface, Counter())["given"] += len(items)
        while len(self._lists) > self._most_lists or self._is_over(next(iter(self._lists.values())), now):
            self._lists.popitem(last=False)

    def note(self, request_id: str, seen: Sequence[str], clicked: str | None) -> tuple[int, int] | None:
        """Count what was seen and clicked of a list for the first time; None of a list that is not known.

        Items that the list does not have are left aside; what is clicked was seen.
        """
        shown = self._lists.get(request_id)
        if shown is None or self._is_over(shown, self._clock()):
            return None
        now_clicked = {clicked} & shown.sources.keys() - shown.clicked if clicked is not None else set()
        now_seen = ({*seen} | now_clicked) & shown.sources.keys() - shown.seen
        shown.seen |= now_seen
        shown.clicked |= now_clicked
        counts = self._counts[shown.surface]
        counts["seen"] += len(now_seen)
        counts["clicked"] += len(now_clicked)
        return len(now_seen), len(now_clicked)

    def counts(self) -> dict[str, dict[str, int]]:
        """By surface, how many items were given, seen and clicked."""
        return {
            surface: {name: counts[name] for name in ("given", "seen", "clicked")}
            for surface, counts in sorted(self._counts.items())
        }

    def _is_over(self, shown: _List, now: float) -> bool:
        return now >= shown.given_at + self._validity
