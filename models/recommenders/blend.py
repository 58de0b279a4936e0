"""The blend of all sources over one index: a mixture of their distributions with learned weights."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Self

import msgspec
import numpy as np

from stream_app.models.recommenders.click_paths import NextClick, likeliest_clicks, next_clicks
from stream_app.models.recommenders.co_visitation import CoVisitation
from stream_app.models.recommenders.explanation import Explanation, leading_items
from stream_app.models.recommenders.index_state import IndexState, pack_index, unpack_index
from stream_app.models.recommenders.item_sums import ItemSums
from stream_app.models.recommenders.item_walk import ItemWalk
from stream_app.models.recommenders.markov import MarkovChain
from stream_app.models.recommenders.nearest_sessions import NearestSessions
from stream_app.models.recommenders.popularity import Popularity
from stream_app.models.recommenders.ranking import leading
from stream_app.models.recommenders.repeat_consumption import (
    Parts,
    RepeatConsumption,
    RepeatConsumptionState,
    situation_of,
)
from stream_app.models.recommenders.sequential_rules import SequentialRules
from stream_app.models.recommenders.session_history import SessionHistory
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.source_table import Ranking, Sources, SourceTable
from stream_app.models.recommenders.source_weights import SourceWeights, SourceWeightsState
from stream_app.models.recommenders.types import Candidates, Scored, ScoredItem

try:
    from stream_app.models.recommenders.compiled_table import CompiledTable as Table
except ImportError:  # installed without a compiler
    from stream_app.models.recommenders.array_table import ArrayTable as Table  # type: ignore[assignment]

EVIDENCE_LEVELS = 6
POPULARITY_DISCOUNT = 0.1  # scores are divided by an item's clicks to this power
MOST_DISCOUNTED = 4_095
CLICKS_JUDGED_AT_FIRST = 500  # judge the sources; each costs a query, and learning far less
MOST_CLICKS_UNJUDGED = 255  # clicks between two that judge, once the weights have settled


class BlendState(msgspec.Struct):
    """All that a blend has learned."""

    index: IndexState
    weights: SourceWeightsState
    repeats: RepeatConsumptionState


class Blend:
    """Recommendations from all sources at once; weights follow how well sources predict next clicks.

    The weight of the session's own items is learned from what users did in such situations; callers can
    exclude these items. Not thread-safe: even a query writes to scratch arrays.
    """

    name = "blend"

    def __init__(self, index: SessionIndex | None = None) -> None:
        self.index = index or SessionIndex()
        self._rules = rules = SequentialRules()
        # No Markov chain: with the rules present it changed HR@20 by less than .001, for another pass over
        # the log.
        self.sources = Sources(
            NearestSessions(self.index), rules, ItemWalk(rules), SessionHistory(), Popularity()
        )
        self.weights = SourceWeights(EVIDENCE_LEVELS, len(self.sources))
        self.repeats = RepeatConsumption()
        self._co_visitation = CoVisitation()
        self._chain = MarkovChain()
        self._names = [source.name for source in self.sources]
        self._sums = ItemSums(self.index.limits.items + 1)
        clicks = np.arange(MOST_DISCOUNTED + 1.0).clip(1.0)
        self.discounts = clicks**-POPULARITY_DISCOUNT
        self.table: SourceTable = Table(self.index, self.sources, self.discounts)

    def learn_session(self, items: Sequence[str], ended_at: float, owner: str | None = None) -> None:
        """Learn a closed session, after judging the sources by some of its clicks.

        Which clicks are used depends only on how many the index has learned, and so only on the sessions.
        Raises ValueError if `ended_at` (epoch seconds) is not finite.
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
        """How often each cap evicted something: sessions, items or clicks."""
        return asdict(self.index.evictions)

    def recommend(
        self, session_items: Sequence[str], k: int, exclude: Collection[str] = ()
    ) -> list[ScoredItem]:
        """Return at most `k` next items, best first, without those in `exclude`.

        Scores are shares of the mixture and sum to 1 over all candidates; each item names the source with the
        largest part in its score. A session without known items gets popular items.
        """
        return [ScoredItem(*item) for item in self.name_items(self.rank(session_items, k, exclude))]

    def rank(self, session_items: Sequence[str], k: int, exclude: Collection[str] = ()) -> Ranking:
        """Return what `recommend` does, by item numbers of the index; `table` then has the details."""
        view = self.view(session_items)
        self.table.expect(view)
        self.table.mix(self.weights.proportions[evidence_level(view)])
        if view.items:
            self.table.correct(*self.repeats.factors(situation_of(view)))
        return self.table.leading(k, self.index.numbers_of(exclude) if exclude else ())

    def name_items(self, ranking: Ranking, of: float = 1.0) -> Iterator[Scored]:
        """Yield the items of a ranking with their shares `of` a score and their largest sources."""
        items = map(self.index.item_ids.__getitem__, ranking.numbers)
        shares = map(of.__rtruediv__, ranking.scores)
        return zip(items, shares, map(self._names.__getitem__, ranking.sources), strict=True)

    def leading_by_source(self, k: int) -> dict[str, list[str]]:
        """Return by source the at most `k` items that it expected most in the last ranking."""
        ids = self.index.item_ids
        return {
            name: [ids[number] for number in self.table.leading_of(source, k)]
            for source, name in enumerate(self._names)
        }

    def explain(
        self, session_items: Sequence[str], k: int, exclude: Collection[str] = ()
    ) -> list[Explanation]:
        """Return what `recommend` does, with the evidence for each item."""
        ranking = self.rank(session_items, k, exclude)
        weights = self.weights.proportions[evidence_level(self.view(session_items))].tolist()
        leading = leading_items(self._rules, self.view(session_items), ranking.numbers)
        shares = [self._source_shares(number, weights) for number in ranking.numbers]
        items = [ScoredItem(*item) for item in self.name_items(ranking)]
        return list(map(Explanation, items, shares, leading))

    def neighbours(self, item: str, k: int) -> list[ScoredItem]:
        """Return at most `k` items clicked in the same sessions as an item, closest first."""
        number = self.index.item_numbers.get(item)
        if number is None:
            return []
        found = self._co_visitation.neighbours(self.index, number, self._sums)
        return rank(self.index, found, k, self._co_visitation.name)

    def next_clicks(self, session_items: Sequence[str], steps: int) -> list[NextClick]:
        """Return the likeliest path of at most `steps` next clicks, with their probabilities."""
        items = self.view(session_items).items
        return next_clicks(self._chain, self.index, self._sums, items, steps) if items else []

    def likeliest_next(self, session_items: Sequence[str], k: int) -> list[NextClick]:
        """Return at most `k` items that may be clicked next, with probabilities, the likeliest first."""
        items = self.view(session_items).items
        return likeliest_clicks(self._chain, self.index, self._sums, items, k) if items else []

    def view(self, session_items: Sequence[str]) -> SessionView:
        """Return an open session as the sources see it, without items that the index does not know."""
        recent = session_items[-self.index.limits.clicks_per_session :]
        return SessionView(self.index, self.index.numbers_of(recent), self._sums)

    def to_state(self) -> bytes:
        """Return everything learned; `from_state` continues seamlessly."""
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

    def _source_shares(self, number: int, weights: Sequence[float]) -> dict[str, float]:
        """Return each source's share of an item's score."""
        parts = [
            weight * expected for weight, expected in zip(weights, self.table.expected(number), strict=True)
        ]
        total = sum(parts)
        return {name: part / total for name, part in zip(self._names, parts, strict=True)}

    def _judge_sources(self, items: Sequence[str], position: int) -> None:
        target = self.index.item_numbers.get(items[position])
        view = self.view(items[:position])
        if target is None or not view.items:
            return
        level = evidence_level(view)
        self.table.expect(view)
        self.table.mix(self.weights.proportions[level])
        again = target == view.items[-1]
        self.repeats.learn(
            situation_of(view),
            self.table.parts(),
            Parts(again, not again and target in view.items, target not in view.items),
        )
        self.weights.learn(level, self.table.expected(target))


def rank(index: SessionIndex, candidates: Candidates, k: int, source: str) -> list[ScoredItem]:
    """Return the `k` best candidates of one source; among equals, the item clicked last comes first."""
    items, scores = candidates
    best = leading(scores, index.item_last_click[items], k)
    pairs = zip(items[best].tolist(), scores[best].tolist(), strict=True)
    return [ScoredItem(index.item_ids[item], score, source) for item, score in pairs]


def evidence_level(view: SessionView) -> int:
    """Return how much is known about the session's last item: 0 for nothing, +1 per factor 4 of clicks."""
    if not view.items:
        return 0
    doublings = view.index.item_click_counters[view.items[-1]].bit_length() - 1
    return min(1 + doublings // 2, EVIDENCE_LEVELS - 1)
