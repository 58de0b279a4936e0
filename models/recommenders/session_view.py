"""An open session as the sources see it."""

from dataclasses import dataclass, field
from typing import Protocol

from stream_app.models.recommenders.item_sums import ItemSums
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.types import Candidates, Votes


@dataclass(slots=True)
class SessionView:
    """The numbers of the known items of an open session, in order, and what to read and to add up with.

    `found` holds by source what others build on. A view is of one moment: it ends where the index learns.
    """

    index: SessionIndex
    items: list[int]
    sums: ItemSums
    found: dict[str, Candidates] = field(default_factory=dict)

    def latest_distinct(self, most: int) -> list[int]:
        """Return at most `most` distinct items, the latest first."""
        return list(dict.fromkeys(reversed(self.items)))[:most]


class Source(Protocol):
    """One way to read the index."""

    @property
    def name(self) -> str:
        """The level that recommendations name."""

    def candidates(self, view: SessionView) -> Candidates:
        """Return what the source expects next; nothing where it knows nothing."""


class VotingSource(Source, Protocol):
    """A source whose evidence the blend adds up with that of others, in one pass over all."""

    def votes(self, view: SessionView) -> Votes:
        """Return what `candidates` gives before it is added up by item."""
