"""The blend of all sources over one index: a mixture of their distributions with learned weights."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Self

import msgspec
import numpy as np

from models.recommenders.click_paths import NextClick, next_clicks
from models.recommenders.co_visitation import CoVisitation
from models.recommenders.explanation import Explanation, leading_items
from models.recommenders.index_state import IndexState, pack_index, unpack_index
from models.recommenders.item_sums import ItemSums
from models.recommenders.item_walk import ItemWalk
from models.recommenders.markov import MarkovChain
from models.recommenders.nearest_sessions import NearestSessions
from models.recommenders.popularity import Popularity
from models.recommenders.sequential_rules import SequentialRules
from models.recommenders.session_history import SessionHistory
from models.recommenders.session_index import SessionIndex
from models.recommenders.session_view import SessionView, Source
from models.recommenders.source_weights import SourceWeights, SourceWeightsState
from models.recommenders.types import Candidates, FloatArray, IntArray, ScoredItem

EVIDENCE_LEVELS = 6
JUDGED_AT_FIRST = 500  # sessions that all judge the sources; judging costs a query, learning far less
MOST_UNJUDGED = 63  # sessions in a row that do not judge, once the weights have settled


class BlendState(msgspec.Struct):
    """All that a blend has learned."""

    index: IndexState
    weights: SourceWeightsState


class _Ranked(NamedTuple):
    """Item numbers, the best first, their scores, and each source's share in these as sources x items."""

    items: IntArray
    scores: FloatArray
    shares: FloatArray


class Blend:
    """Recommendations from every source at once; the weights follow which sources foresee next clicks.

    Items already in the session may be recommended: whoever wants them out excludes them. For one thread
    at a time, as even a query writes to scratch arrays.
    """

    name = "blend"

    def __init__(self, index: SessionIndex | None = None) -> None:
        self.index = index or SessionIndex()
        self._rules = rules = SequentialRules()
        # No Markov chain: beside the rules it changed HR@20 by less than .001, for one more pass of the log.
        self.sources: tuple[Source, ...] = (
            NearestSessions(self.index),
            rules,
            ItemWalk(rules),
            SessionHistory(),
            Popularity(),
        )
        self.weights = SourceWeights(EVIDENCE_LEVELS, len(self.sources))
        self._co_visitation = CoVisitation()
        self._chain = MarkovChain()
        self._names = [source.name for source in self.sources]
        self._sums = ItemSums(self.index.limits.items + 1)
        self._columns = np.zeros(self.index.limits.items + 1, np.int64)

    def learn_session(self, items: Sequence[str], ended_at: float, owner: str | None = None) -> None:
        """Learn a closed session, after its part in judging the sources."""
        number = self.index.next_session
        interval = 1 + min(number // JUDGED_AT_FIRST, MOST_UNJUDGED)
        if number % interval == 0 and len(items) > 1:
            self._judge_sources(items, 1 + number // interval % (len(items) - 1))
        self.index.learn_session(items, ended_at, owner)

    def forget(self, owner: str) -> int:
        """Erase the sessions learned for an owner and return how many there were."""
        return self.index.forget(owner)

    def recommend(
        self, session_items: Sequence[str], k: int, exclude: Collection[str] = ()
    ) -> list[ScoredItem]:
        """Return at most `k` next items, the best first, without those in `exclude`.

        Scores are shares of the mixture, 1 over all candidates; each item names the source that gave most
        of its score. A session without known items gets what is popular.
        """
        ranked = self._rank(self.view(session_items), k, exclude)
        return self._name(ranked)

    def explain(
        self, session_items: Sequence[str], k: int, exclude: Collection[str] = ()
    ) -> list[Explanation]:
        """Return what `recommend` does, with the evidence for each item."""
        view = self.view(session_items)
        ranked = self._rank(view, k, exclude)
        leading = leading_items(self._rules, view, ranked.items.tolist())
        shares = (ranked.shares / ranked.shares.sum(axis=0)).T.tolist()
        return [
            Explanation(item, dict(zip(self._names, by_source, strict=True)), after)
            for item, by_source, after in zip(self._name(ranked), shares, leading, strict=True)
        ]

    def neighbours(self, item: str, k: int) -> list[ScoredItem]:
        """Return at most `k` items that are clicked in the same sessions as an item, the closest first."""
        number = self.index.item_numbers.get(item)
        if number is None:
            return []
        found = self._co_visitation.neighbours(self.index, number, self._sums)
        return rank(self.index, found, k, self._co_visitation.name)

    def next_clicks(self, session_items: Sequence[str], steps: int) -> list[NextClick]:
        """Return the likeliest path of at most `steps` next clicks with the probability of each."""
        items = self.view(session_items).items
        return next_clicks(self._chain, self.index, self._sums, items, steps) if items else []

    def view(self, session_items: Sequence[str]) -> SessionView:
        """Return an open session as the sources see it; items that the index does not know are left out."""
        recent = session_items[-self.index.limits.clicks_per_session :]
        return SessionView(self.index, self.index.numbers_of(recent), self._sums)

    def to_state(self) -> bytes:
        """Return all that was learned; `from_state` continues as if nothing had happened."""
        return msgspec.msgpack.encode(BlendState(pack_index(self.index), self.weights.to_state()))

    @classmethod
    def from_state(cls, state: bytes) -> Self:
        """Return the blend of a state; raise msgspec.ValidationError or DecodeError if it is not one."""
        packed = msgspec.msgpack.decode(state, type=BlendState)
        blend = cls(unpack_index(packed.index))
        blend.weights.restore(packed.weights)
        return blend

    def _rank(self, view: SessionView, k: int, exclude: Collection[str]) -> _Ranked:
        found = [source.candidates(view) for source in self.sources]
        items, shares = self._mix(found, self.weights.proportions[evidence_level(view)])
        if exclude:
            kept = ~np.isin(items, self.index.numbers_of(list(exclude)))
            items, shares = items[kept], shares[:, kept]
        scores = shares.sum(axis=0)
        scores /= scores.sum()
        if len(items) > k:
            best = scores.argpartition(-k)[-k:]
            items, shares, scores = items[best], shares[:, best], scores[best]
        order = np.lexsort((-self.index.item_last_click[items], -scores))
        return _Ranked(items[order], scores[order], shares[:, order])

    def _name(self, ranked: _Ranked) -> list[ScoredItem]:
        ids, names = self.index.item_ids, self._names
        levels = ranked.shares.argmax(axis=0).tolist()
        items = [ids[item] for item in ranked.items.tolist()]
        sources = [names[level] for level in levels]
        return list(map(ScoredItem, items, ranked.scores.tolist(), sources))

    def _mix(self, found: list[Candidates], weights: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the distinct items and each source's share in their scores, as sources x items."""
        sizes = [len(candidates.items) for candidates in found]
        items = np.concatenate([candidates.items for candidates in found])
        scores = np.concatenate([candidates.scores for candidates in found])
        distinct = self._sums.distinct(items)
        self._columns[distinct] = np.arange(len(distinct))
        shares = np.zeros((len(found), len(distinct)))
        shares[np.arange(len(found)).repeat(sizes), self._columns[items]] = scores * weights.repeat(sizes)
        return distinct, shares

    def _judge_sources(self, items: Sequence[str], position: int) -> None:
        target = self.index.item_numbers.get(items[position])
        view = self.view(items[:position])
        if target is None or not view.items:
            return
        found = [source.candidates(view) for source in self.sources]
        likelihoods = [candidates.scores[candidates.items == target].sum() for candidates in found]
        self.weights.learn(evidence_level(view), np.array(likelihoods))


def rank(index: SessionIndex, candidates: Candidates, k: int, source: str) -> list[ScoredItem]:
    """Return the `k` best candidates of one source; of equal scores the item clicked last comes first."""
    items, scores = candidates
    order = np.lexsort((-index.item_last_click[items], -scores))[:k]
    pairs = zip(items[order].tolist(), scores[order].tolist(), strict=True)
    return [ScoredItem(index.item_ids[item], score, source) for item, score in pairs]


def evidence_level(view: SessionView) -> int:
    """Return how much the index knows of the session's last item: 0 nothing, then by fourfold clicks."""
    if not view.items:
        return 0
    doublings = view.index.item_clicks[view.items[-1]].bit_length() - 1
    return min(1 + doublings // 2, EVIDENCE_LEVELS - 1)
