"""Scores of ranked recommendations against the next click: accuracy, coverage and novelty."""

import math
from collections.abc import Callable, Sequence

CUTOFFS = (5, 10, 20)


class RankingScores:
    """Running hit rate, reciprocal rank, coverage and novelty of one recommender.

    Novelty is the mean self-information in bits of recommended items: an item with a share p of all clicks
    has -log2 p (Zhou et al., PNAS 2010). Coverage is the share of the catalogue that was ever recommended.
    """

    def __init__(self, cutoffs: Sequence[int] = CUTOFFS) -> None:
        self.cutoffs = tuple(cutoffs)
        self.positions = 0
        self._hits = dict.fromkeys(self.cutoffs, 0)
        self._reciprocal_ranks = dict.fromkeys(self.cutoffs, 0.0)
        self._recommended: set[str] = set()
        self._recommendations = 0
        self._bits = 0.0

    def add(self, ranked: Sequence[str], clicked: str, click_share: Callable[[str], float]) -> None:
        """Score one ranking, best first, given the next click and each item's share of past clicks."""
        self.positions += 1
        rank = ranked.index(clicked) + 1 if clicked in ranked else math.inf
        for cutoff in self.cutoffs:
            if rank <= cutoff:
                self._hits[cutoff] += 1
                self._reciprocal_ranks[cutoff] += 1 / rank
        self._recommended.update(ranked)
        self._recommendations += len(ranked)
        for item in ranked:
            self._bits -= math.log2(click_share(item))

    def summary(self, catalogue_items: int) -> dict[str, float]:
        """Return `hr@k` and `mrr@k` for each cutoff, `coverage` and `novelty`; zeros before any position."""
        positions = max(self.positions, 1)
        scores: dict[str, float] = {}
        for cutoff in self.cutoffs:
            scores[f"hr@{cutoff}"] = self._hits[cutoff] / positions
            scores[f"mrr@{cutoff}"] = self._reciprocal_ranks[cutoff] / positions
        scores["coverage"] = len(self._recommended) / max(catalogue_items, 1)
        scores["novelty"] = self._bits / max(self._recommendations, 1)
        return scores
