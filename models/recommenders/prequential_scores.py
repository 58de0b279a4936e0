"""Running scores of one recommender in the stream, overall and over the most recent judgements."""

from collections import deque
from collections.abc import Mapping, Sequence
from math import log, log2
from typing import NamedTuple
from zlib import crc32

import msgspec
import numpy as np

CUTOFFS = (5, 10, 20)
WINDOW = 1_000
COVERAGE_BITS = 1 << 15


class PrequentialScoresState(msgspec.Struct):
    """Sums over all judgements; the most recent ranks, 0 for a miss; the bitmap of recommended items."""

    positions: int
    hits: list[int]
    reciprocal_ranks: list[float]
    recommended: int
    bits: float
    last_ranks: bytes
    coverage: bytes


class ItemTraits(NamedTuple):
    """An item's bit in the bitmap, and its novelty in bits.

    Items never clicked add no novelty.
    """

    coverage_bit: int
    is_known: bool
    novelty: float


class PrequentialScores:
    """Hit rate and mean reciprocal rank at each of `CUTOFFS`, coverage and novelty.

    Distinct items are counted in a bitmap of fixed size (linear counting: Whang, Vander-Zanden & Taylor,
    TODS 1990). Novelty is the mean of -log2 of an item's share in past clicks (Zhou et al., PNAS 2010).
    """

    def __init__(self) -> None:
        self.positions = 0
        self._hits = [0] * len(CUTOFFS)
        self._reciprocal_ranks = [0.0] * len(CUTOFFS)
        self._recommended = 0
        self._bits = 0.0
        self._last_ranks: deque[int] = deque(maxlen=WINDOW)
        self._recent = [0] * (CUTOFFS[-1] + 1)  # how often each rank occurs among the most recent
        self._coverage = bytearray(COVERAGE_BITS)  # one byte per bit

    def add(self, ranked: Sequence[str], clicked: str, traits: Mapping[str, ItemTraits]) -> None:
        """Score a ranking, best first and no longer than the largest cutoff, by the next click.

        `traits` has those of all ranked items.
        """
        self.positions += 1
        rank = ranked.index(clicked) + 1 if clicked in ranked else 0
        for place, cutoff in enumerate(CUTOFFS):
            if 0 < rank <= cutoff:
                self._hits[place] += 1
                self._reciprocal_ranks[place] += 1 / rank
        if len(self._last_ranks) == WINDOW:
            self._recent[self._last_ranks[0]] -= 1
        self._last_ranks.append(rank)
        self._recent[rank] += 1
        for item in ranked:
            bit, is_known, novelty = traits[item]
            self._coverage[bit] = True
            self._recommended += is_known
            self._bits += novelty

    def summary(self, items: int) -> dict[str, float]:
        """Return `hr@k`, `mrr@k` and the same as `recent_...` over the last `WINDOW`, `coverage`, `novelty`.

        `items` is the number of items that could be recommended. All are 0 before the first judgement.
        """
        positions, recent = max(self.positions, 1), max(len(self._last_ranks), 1)
        scores: dict[str, float] = {}
        for place, cutoff in enumerate(CUTOFFS):
            hits = self._recent[1 : cutoff + 1]
            scores[f"hr@{cutoff}"] = self._hits[place] / positions
            scores[f"mrr@{cutoff}"] = self._reciprocal_ranks[place] / positions
            scores[f"recent_hr@{cutoff}"] = sum(hits) / recent
            scores[f"recent_mrr@{cutoff}"] = sum(count / rank for rank, count in enumerate(hits, 1)) / recent
        scores["coverage"] = min(1.0, self._distinct() / max(items, 1))
        scores["novelty"] = self._bits / max(self._recommended, 1)
        return scores

    def to_state(self) -> PrequentialScoresState:
        """Return all sums."""
        return PrequentialScoresState(
            self.positions,
            self._hits,
            self._reciprocal_ranks,
            self._recommended,
            self._bits,
            bytes(self._last_ranks),
            np.packbits(np.frombuffer(self._coverage, np.uint8), bitorder="little").tobytes(),
        )

    def restore(self, state: PrequentialScoresState) -> None:
        """Restore the state that `to_state` returned."""
        self.positions, self._recommended, self._bits = state.positions, state.recommended, state.bits
        self._hits, self._reciprocal_ranks = list(state.hits), list(state.reciprocal_ranks)
        self._last_ranks = deque(state.last_ranks, maxlen=WINDOW)
        self._recent = [self._last_ranks.count(rank) for rank in range(CUTOFFS[-1] + 1)]
        packed = np.frombuffer(state.coverage, np.uint8)
        self._coverage = bytearray(np.unpackbits(packed, bitorder="little").tobytes())

    def _distinct(self) -> float:
        empty = self._coverage.count(0)
        return COVERAGE_BITS * log(COVERAGE_BITS / max(empty, 1))


def traits_of(item: str, click_share: float) -> ItemTraits:
    """Return the traits of an item with this share of all past clicks, 0 if never clicked."""
    novelty = -log2(click_share) if click_share > 0 else 0.0
    return ItemTraits(crc32(item.encode()) % COVERAGE_BITS, click_share > 0, novelty)
