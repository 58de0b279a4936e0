"""The types that every recommender accepts and returns."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


Scored = tuple[str, float, str]  # a `ScoredItem` as a plain tuple, for hot loops


class ScoredItem(NamedTuple):
    """A recommended item; `source` names the level that contributed most of its score."""

    item_id: str
    score: float
    source: str


class Votes(NamedTuple):
    """Item numbers of an index, which may repeat, and the weight of each vote; NO_ITEM counts for nothing.

    `total` is the sum of the weights, if already known.
    """

    items: NDArray[np.integer]
    weights: FloatArray
    total: float | None = None


class Candidates(NamedTuple):
    """Distinct item numbers of an index and their scores, which sum to 1 unless there are none."""

    items: IntArray
    scores: FloatArray


NO_CANDIDATES = Candidates(np.empty(0, np.int64), np.empty(0))
NO_VOTES = Votes(*NO_CANDIDATES)


class SessionRecommender(Protocol):
    """A recommender that learns from closed sessions and answers for open ones."""

    @property
    def name(self) -> str:
        """The level named in its recommendations."""

    def learn_session(self, items: Sequence[str], ended_at: float, owner: str | None = None) -> None:
        """Learn a closed session: its items in click order, its end in epoch seconds."""

    def recommend(
        self, session_items: Sequence[str], k: int, exclude: Collection[str] = ()
    ) -> list[ScoredItem]:
        """Return at most `k` next items for an open session, best first."""
