"""The engagement score of content: the percent of an item's starters who complete it.

A model predicts it from the item's catalogue features and its use. The item's own starters then correct the
prediction, more strongly as their number grows.
"""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from typing import NamedTuple, Self
from zlib import crc32

from stream_app.models.content.item_use import Block, ItemUse, ItemUses, Start
from stream_app.models.content.prior_strength import PriorStrength
from stream_app.models.features import Features
from stream_app.models.judging.intervals import Rate
from stream_app.models.learning import Example, Reason, RegressionModel, Status
from stream_app.models.online.sample import NOBODY, Mark
from stream_app.models.spec import RegressionSpec

LABEL_STARTERS = 10
MOST_ITEMS = 20_000
OWN_STARTERS = "own_starters"
TOLD_AGAIN_FROM = 1.0  # points by which a score must change to be published again


class ItemScore(NamedTuple):
    """An item's score and what it is based on: 0 to 100, except for counts and the interval's share."""

    item: str
    score: float
    expected: float
    starters: int
    completers: int
    interval: tuple[float, float]
    status: Status
    reasons: list[Reason]


class ContentModel(RegressionModel):
    """Learns from labels that carry their features, and from starts of items once their outcomes are known.

    For each item, `LABEL_STARTERS` consecutive starts make one example: the share of them that completed the
    item, with the features from before the first of these starts. All examples are thus based on the same
    number of starters and have equal weight, and no start is in both the features and the label of an
    example.
    """

    def __init__(self, spec: RegressionSpec, seed: int = 0, most_items: int = MOST_ITEMS) -> None:
        super().__init__(spec, seed)
        self.items = ItemUses(most_items)
        self.prior = PriorStrength()
        self.newest_at = 0.0
        self._starters = 0
        self._completers = 0

    def learn_starts(self, starts: Iterable[Start], at: float, mark: Mark | None = None) -> None:
        """Learn starts whose outcomes became known at event time `at` (epoch seconds).

        They are counted by item, without users; `mark` decides which blocks are kept when space is short.
        """
        self.newest_at = max(self.newest_at, at)
        for start in starts:
            use = self.items.touch(start.item)
            use.described = start.features or use.described
            if use.block is None:
                use.block = Block(use.features(self.newest_at))
            use.add(start)
            self._starters += 1
            self._completers += start.is_completed
            use.block.starters += 1
            use.block.completers += start.is_completed
            if use.block.starters == LABEL_STARTERS:
                self._learn_block(use.block, _mark_of(start.item, mark))
                use.block = None

    def scores_of(self, items: Sequence[str], most_reasons: int = 3) -> list[ItemScore]:
        """Return the current scores of the known items, with their main reasons."""
        known = [(item, use) for item in items if (use := self.items.get(item)) is not None]
        if not known:
            return []
        features = [use.features(self.newest_at) for _, use in known]
        expected = self._expect(features)
        reasons = self.explain_values(features, most_reasons)
        scores = []
        for (item, use), answer, why in zip(known, expected, reasons, strict=True):
            score = self._join(use, answer)
            own = Reason(OWN_STARTERS, use.rate.share * 100, score - answer)
            foremost = nsmallest(most_reasons, [*why, own], key=lambda reason: -abs(reason.contribution))
            rate = use.rate
            scores.append(
                ItemScore(item, score, answer, rate.total, rate.hits, rate.interval, self.status, foremost)
            )
        return scores

    def pop_changed(self) -> list[ItemScore]:
        """Return the scores to publish: of items started since the last call, and changed ones."""
        items = self.items.all()
        expected = self._expect([use.features(self.newest_at) for use in items.values()])
        changed = []
        for (item, use), answer in zip(items.items(), expected, strict=True):
            score = self._join(use, answer)
            has_moved = use.told_score is None or abs(score - use.told_score) >= TOLD_AGAIN_FROM
            if has_moved or use.starters != use.told_starters:
                use.told_score, use.told_starters = score, use.starters
                changed.append(item)
        return self.scores_of(changed)

    def _expect(self, features: Sequence[Features]) -> list[float]:
        if self.status is Status.WARMING_UP:
            return [100.0 * Rate(self._completers, self._starters).share] * len(features)
        return [prediction.value for prediction in self.predict_many(features)]

    def relearn(self, other: Self) -> None:
        """Learn what another model holds and adopt its item counts, which contain no users."""
        super().relearn(other)
        self.items, self.prior, self.newest_at = other.items, other.prior, other.newest_at
        self._starters, self._completers = other._starters, other._completers

    def _learn_block(self, block: Block, mark: Mark | None) -> None:
        share = block.completers / block.starters
        is_first = not self.examples_seen
        marks = [mark] if mark else None
        [answer] = self.learn_many([Example(block.features, 100.0 * share)], marks)
        if not is_first:  # no prediction was possible for these
            self.prior.learn(answer.value / 100.0, share, block.starters)

    def _join(self, use: ItemUse, expected: float) -> float:
        fade = use.month.faded(self.newest_at)
        share = self.prior.join(expected / 100.0, fade * use.month.completers, fade * use.month.starters)
        return self._clip(100.0 * share)


def _mark_of(item: str, told: Mark | None) -> Mark | None:
    """The mark of an item's block, which ten users contributed to and nobody owns."""
    return Mark(NOBODY, told.priority ^ crc32(item.encode())) if told else None
