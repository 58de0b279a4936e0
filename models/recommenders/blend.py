"""The blend of all sources over one index: a mixture of their distributions with learned weights."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
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
from models.recommenders.repeat_consumption import (
    Parts,
    RepeatConsumption,
    RepeatConsumptionState,
    situation_of,
)
from models.recommenders.sequential_rules import SequentialRules
from models.recommenders.session_history import SessionHistory
from models.recommenders.session_index import SessionIndex
from models.recommenders.session_view import SessionView, VotingSource
from models.recommenders.source_weights import SourceWeights, SourceWeightsState
from models.recommenders.types import Candidates, FloatArray, IntArray, ScoredItem

EVIDENCE_LEVELS = 6
POPULARITY_DISCOUNT = 0.1  # power of an item's clicks by which its score is divided
MOST_DISCOUNTED = 4_095
CLICKS_JUDGED_AT_FIRST = 500  # all of these judge the sources; judging costs a query, learning far less
MOST_CLICKS_UNJUDGED = 255  # clicks in a row that do not judge, once the weights have settled
JUDGED_AT_FIRST = 500  # sessions of which each is judged by those who judge whole sessions
MOST_UNJUDGED = 63  # sessions in a row that they do not judge later on


class BlendState(msgspec.Struct):
    """All that a blend has learned."""

    index: IndexState
    weights: SourceWeightsState
    repeats: RepeatConsumptionState


class _Ranked(NamedTuple):
    """Item numbers, the best first, their scores, and what each source gave to these as sources x items."""

    items: IntArray
    scores: FloatArray
    shares: FloatArray


class Blend:
    """Recommendations from every source at once; the weights follow which sources foresee next clicks.

    How much is expected of the session's own items follows what people did in such situations; whoever
    wants them out excludes them. For one thread at a time, as even a query writes to scratch arrays.
    """

    name = "blend"

    def __init__(self, index: SessionIndex | None = None) -> None:
        self.index = index or SessionIndex()
        self._rules = rules = SequentialRules()
        # No Markov chain: beside the rules it changed HR@20 by less than .001, for one more pass of the log.
        self._history = SessionHistory()
        self.sources: tuple[VotingSource, ...] = (
            NearestSessions(self.index),
            rules,
            ItemWalk(rules),
            self._history,
            Popularity(),
        )
        self.weights = SourceWeights(EVIDENCE_LEVELS, len(self.sources))
        self.repeats = RepeatConsumption()
        self._co_visitation = CoVisitation()
        self._chain = MarkovChain()
        self._names = [source.name for source in self.sources]
        self._sums = ItemSums(self.index.limits.items + 1, len(self.sources))
        clicks = np.arange(MOST_DISCOUNTED + 1.0).clip(1.0)
        self._discounts = clicks**-POPULARITY_DISCOUNT

    def learn_session(self, items: Sequence[str], ended_at: float, owner: str | None = None) -> None:
        """Learn a closed session, after some of its clicks have judged the sources.

        Which clicks judge follows from how many the index has learned, and so from the sessions alone.
        Raises ValueError where `ended_at` (epoch seconds) is not finite.
        """
        if self.index.next_click:
            interval = 1 + min(self.index.next_click // CLICKS_JUDGED_AT_FIRST, MOST_CLICKS_UNJUDGED)
            first = 1 + -(self.index.next_click + 1) % interval
            kept = items[-self.index.limits.clicks_per_session :]
            for position in range(first, len(kept), interval):
                self._judge_sources(kept, position)
        self.index.learn_session(items, ended_at, owner)

    def forget(self, owner: str) -> int:
        """Erase the sessions learned for an owner and return how many there were."""
        return self.index.forget(owner)

    @property
    def evictions(self) -> dict[str, int]:
        """How often each cap made the index forget, by what was forgotten: sessions, items and clicks."""
        return asdict(self.index.evictions)

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
        state = BlendState(pack_index(self.index), self.weights.to_state(), self.repeats.to_state())
        return msgspec.msgpack.encode(state)

    @classmethod
    def from_state(cls, state: bytes) -> Self:
        """Return the blend of a state; raise msgspec.ValidationError or DecodeError if it is not one."""
        packed = msgspec.msgpack.decode(state, type=BlendState)
        blend = cls(unpack_index(packed.index))
        blend.weights.restore(packed.weights)
        blend.repeats.restore(packed.repeats)
        return blend

    def _rank(self, view: SessionView, k: int, exclude: Collection[str]) -> _Ranked:
        items, expected = self._expect(view)
        weights = self.weights.proportions[evidence_level(view)]
        scores = self._discount(view, items, weights @ expected)
        if view.items:
            current, earlier = self.repeats.factors(situation_of(view))
            places = self._session_places(view, items)
            scores[places[0]] *= current
            scores[places[1:]] *= earlier
        if exclude:
            kept = ~np.isin(items, self.index.numbers_of(list(exclude)))
            items, scores, expected = items[kept], scores[kept], expected[:, kept]
        scores /= scores.sum()
        best = scores.argpartition(-k)[-k:] if len(items) > k else np.arange(len(items))
        best = best[np.lexsort((-self.index.item_last_click[items[best]], -scores[best]))]
        return _Ranked(items[best], scores[best], expected[:, best] * weights[:, None])

    def _name(self, ranked: _Ranked) -> list[ScoredItem]:
        ids, names = self.index.item_ids, self._names
        levels = ranked.shares.argmax(axis=0).tolist()
        items = [ids[item] for item in ranked.items.tolist()]
        sources = [names[level] for level in levels]
        return list(map(ScoredItem, items, ranked.scores.tolist(), sources))

    def _expect(self, view: SessionView) -> tuple[IntArray, FloatArray]:
        """Return all candidates, by number, and what each source expects of them, as sources x items."""
        return self._sums.tabulate([source.votes(view) for source in self.sources])

    def _discount(self, view: SessionView, items: IntArray, scores: FloatArray) -> FloatArray:
        """Return the scores of a mixture, in place, with what everybody clicks anyway discounted."""
        if view.items:
            scores *= self._discounts[np.minimum(self.index.item_clicks[items], MOST_DISCOUNTED)]
        return scores

    def _session_places(self, view: SessionView, items: IntArray) -> IntArray:
        """Return where among the candidates the session's own items are, the current one first."""
        return items.searchsorted(view.latest_distinct(self._history.settings.items))

    def _judge_sources(self, items: Sequence[str], position: int) -> None:
        target = self.index.item_numbers.get(items[position])
        view = self.view(items[:position])
        if target is None or not view.items:
            return
        candidates, expected = self._expect(view)
        level = evidence_level(view)
        scores = self._discount(view, candidates, self.weights.proportions[level] @ expected)
        places = self._session_places(view, candidates)
        current, earlier = float(scores[places[0]]), float(scores[places[1:]].sum())
        again = target == view.items[-1]
        self.repeats.learn(
            situation_of(view),
            Parts(current, earlier, float(scores.sum()) - current - earlier),
            Parts(again, not again and target in view.items, target not in view.items),
        )
        self.weights.learn(level, expected[:, candidates == target].sum(axis=1))


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
    doublings = int(view.index.item_clicks[view.items[-1]]).bit_length() - 1
    return min(1 + doublings // 2, EVIDENCE_LEVELS - 1)
