"""An open session as the sources see it."""

from dataclasses import dataclass, field
from typing import Protocol

from stream_app.models.recommenders.item_sums import ItemSums
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.types import Candidates, Votes


@dataclass(slots=True)
class SessionView:
    """The numbers of an open session's known items, in order, with the index and scratch arrays to use.

    `found` has by source what others build on. A view is valid until the index learns.
    """

    index: SessionIndex
    items: list[int]
    sums: ItemSums
    found: dict[str, Candidates] = field(default_factory=dict)

    def latest_distinct(self, most: int) -> list[int]:
        """Return at most `most` distinct items, latest first."""
        return list(dict.fromkeys(reversed(self.items)))[:most]


class Source(Protocol):
    """One way to read the index."""

    @property
    def name(self) -> str:
        """The level named in recommendations."""

    def candidates(self, view: SessionView) -> Candidates:
        """Return what the source expects next; nothing if it knows nothing."""


class VotingSource(Source, Protocol):
    """A source whose votes the blend sums together with those of others, in one pass."""

    def votes(self, view: SessionView) -> Votes:
        """Return what `candidates` gives, before summing by item."""
