"""The caps of a session index, how fast its evidence fades, and what it has evicted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """Caps of the index; beyond them the oldest is evicted and counted."""

    sessions: int = 200_000
    clicks: int = 1_600_000
    items: int = 100_000
    clicks_per_session: int = 50
    clicks_per_item: int = 1_000

    def __post_init__(self) -> None:
        if min(self.sessions, self.items, self.clicks_per_session, self.clicks_per_item) < 1:
            raise ValueError(f"every limit of the index must be at least 1: {self}")
        if self.clicks < self.clicks_per_session:
            raise ValueError("the index must hold one session: make clicks at least clicks_per_session")


@dataclass(frozen=True, slots=True)
class DecaySettings:
    """Half-lives in days of a session's weight in every source and of a click's in popularity."""

    session_half_life_days: float = 5.0
    popularity_half_life_days: float = 1.0
    popular_items: int = 50


@dataclass(slots=True)
class Evictions:
    """How often each cap evicted something."""

    sessions: int = 0
    items: int = 0
    session_clicks: int = 0
    item_clicks: int = 0
