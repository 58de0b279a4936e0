"""How items are used: sums that fade with event time, bounded per item and in number of items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stream_app.models.features import Features
from stream_app.models.judging.intervals import Rate

DAY_SECONDS = 86_400.0
WEEK, MONTH = 7 * DAY_SECONDS, 30 * DAY_SECONDS


class Start(NamedTuple):
    """One start of an item, reported once its horizon has passed; `features` are the catalogue's."""

    item: str
    started_at: float
    is_completed: bool
    uses: int
    has_returned: bool
    features: Features


@dataclass(slots=True)
class FadingSums:
    """An item's starters, completers, uses and returning users; all sums halve every half-life."""

    half_life: float
    at: float = 0.0
    starters: float = 0.0
    completers: float = 0.0
    uses: float = 0.0
    returners: float = 0.0

    def add(self, start: Start) -> None:
        """Add one start at its own time; starts may arrive in any order."""
        self._fade_to(start.started_at)
        weight = 0.5 ** ((self.at - start.started_at) / self.half_life)
        self.starters += weight
        self.completers += weight * start.is_completed
        self.uses += weight * start.uses
        self.returners += weight * start.has_returned

    def faded(self, at: float) -> float:
        """Return the factor that brings the sums to event time `at`."""
        return float(0.5 ** (max(at - self.at, 0.0) / self.half_life))

    def _fade_to(self, at: float) -> None:
        if at <= self.at:
            return
        scale = self.faded(at)
        self.starters *= scale
        self.completers *= scale
        self.uses *= scale
        self.returners *= scale
        self.at = at


@dataclass(slots=True)
class Block:
    """Starts collected into one example, with the features from before the first of them."""

    features: Features
    starters: int = 0
    completers: int = 0


@dataclass(slots=True)
class ItemUse:
    """What is known of one item: its newest catalogue entry, its starters, and the block being filled."""

    described: Features = field(default_factory=dict)
    starters: int = 0
    completers: int = 0
    week: FadingSums = field(default_factory=lambda: FadingSums(WEEK))
    month: FadingSums = field(default_factory=lambda: FadingSums(MONTH))
    block: Block | None = None
    told_score: float | None = None
    told_starters: int = 0

    @property
    def rate(self) -> Rate:
        """Completers among all starters so far."""
        return Rate(self.completers, self.starters)

    def features(self, at: float) -> dict[str, float | str]:
        """The item's catalogue features and its use up to event time `at`.

        Completions are left out: they are what the label measures, and are combined with the prediction
        later.
        """
        week, month = self.week.faded(at) * self.week.starters, self.month.faded(at) * self.month.starters
        used: dict[str, float | str] = {"starters_week": week, "starters_month": month}
        if self.month.starters:
            used["starters_trend"] = (week * MONTH) / (month * WEEK) if month else 0.0
            used["uses_per_starter"] = self.month.uses / self.month.starters
            used["return_share"] = self.month.returners / self.month.starters
        return {**self.described, **used}

    def add(self, start: Start) -> None:
        """Count one start."""
        self.starters += 1
        self.completers += start.is_completed
        self.week.add(start)
        self.month.add(start)


class ItemUses:
    """Uses by item; beyond `limit` items, the one started longest ago is dropped."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._items: dict[str, ItemUse] = {}

    def __len__(self) -> int:
        return len(self._items)

    def get(self, item: str) -> ItemUse | None:
        """What is known of an item."""
        return self._items.get(item)

    def all(self) -> Mapping[str, ItemUse]:
        """Every item, the one started longest ago first."""
        return self._items

    def touch(self, item: str) -> ItemUse:
        """Return the item's use, creating it if needed, and mark it as the most recently started."""
        use = self._items.pop(item, None)
        if use is None:
            use = ItemUse()
            if len(self._items) >= self.limit:
                del self._items[next(iter(self._items))]
        self._items[item] = use
        return use
