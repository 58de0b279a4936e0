"""What every source expects of every candidate for one open session: the heart of the blend.

There are two implementations with identical results to the last bit: the reference with NumPy arrays, and a
compiled one, used if the package was installed with a compiler.
"""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from stream_app.models.recommenders.item_walk import ItemWalk
from stream_app.models.recommenders.nearest_sessions import NearestSessions
from stream_app.models.recommenders.popularity import Popularity
from stream_app.models.recommenders.repeat_consumption import Parts
from stream_app.models.recommenders.sequential_rules import SequentialRules
from stream_app.models.recommenders.session_history import SessionHistory
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import FloatArray


class Sources(NamedTuple):
    """The sources of the blend, in the order of its weights."""

    nearest: NearestSessions
    rules: SequentialRules
    walk: ItemWalk
    history: SessionHistory
    popularity: Popularity


class Ranking(NamedTuple):
    """Item numbers, best first; their shares of all candidates' scores; their largest sources."""

    numbers: list[int]
    scores: list[float]
    sources: list[int]


class SourceTable(Protocol):
    """The candidates of the session last given to `expect`; valid until the index learns.

    Sources are numbered in the blend's order. Not thread-safe.
    """

    def expect(self, view: SessionView) -> None:
        """Query every source for what it expects next."""

    def mix(self, weights: FloatArray) -> None:
        """Score candidates by the mixture with these weights, discounted unless the session is unknown."""

    def parts(self) -> Parts:
        """Return the sums of the scores of the session's current item, its earlier ones, and all others."""

    def correct(self, current: float, earlier: float) -> None:
        """Multiply the scores of the session's current item and of its earlier ones."""

    def expected(self, number: int) -> list[float]:
        """Return what each source expects of an item."""

    def leading(self, most: int, left_out: Collection[int] = ()) -> Ranking:
        """Return the highest scores; among equals, the item clicked last comes first."""

    def leading_of(self, source: int, most: int) -> list[int]:
        """Return the items that one source expects most, in the same order."""
