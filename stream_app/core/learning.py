"""The trainer's part: every example learned once, in the order of the training topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from schemas.outputs import TrainingExample
from stream_app.ports import Learner

REMEMBERED_IDS = 20_000


class ExampleOutcome(StrEnum):
    """What became of an example; a metric's label."""

    LEARNED = "learned"
    REPEATED = "repeated"
    UNKNOWN_TARGET = "unknown_target"
    UNUSABLE_LABEL = "unusable_label"


class RecentIds:
    """Ids seen lately, so that what a crash repeats is taken once; bounded."""

    def __init__(self, limit: int = REMEMBERED_IDS) -> None:
        self._limit = limit
        self._ids: dict[str, None] = {}

    def add(self, identifier: str) -> bool:
        """Remember an id; False where it is remembered already."""
        if identifier in self._ids:
            return False
        self._ids[identifier] = None
        if len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]
        return True


class Trainer:
    """Feeds examples to the learner of their target.

    `contained` holds, by learner, the training offset up to which it has learned already: a crash between
    the snapshots of two models leaves one ahead of the other.
    """

    def __init__(self, learners: Mapping[str, Learner], contained: Mapping[str, int] | None = None) -> None:
        self._learners = learners
        self._contained = dict(contained or {})
        self._recent = RecentIds()
        self.offset = max(self._contained.values(), default=-1)

    def remember(self, example: TrainingExample, offset: int) -> None:
        """Know an example again that its learner contains; one that is behind has yet to learn it."""
        learner = self._learners.get(example.target)
        if learner is None or offset <= self._contained.get(learner.name, -1):
            self._recent.add(example.id)

    def take(self, examples: Sequence[tuple[int, TrainingExample]]) -> list[ExampleOutcome]:
        """Learn examples, each with its training offset, but for those that were learned before.

        Each learner gets its share in one call and in order; the models that come of it are the same
        however the examples are cut into calls.
        """
        outcomes = [ExampleOutcome.REPEATED] * len(examples)
        shares: dict[str, tuple[Learner, list[int]]] = {}
        for place, (offset, example) in enumerate(examples):
            self.offset = max(self.offset, offset)
            is_new = self._recent.add(example.id)
            learner = self._learners.get(example.target)
            if learner is None:
                outcomes[place] = ExampleOutcome.UNKNOWN_TARGET
            elif is_new and offset > self._contained.get(learner.name, -1):
                shares.setdefault(learner.name, (learner, []))[1].append(place)
        for learner, places in shares.values():
            labelled = [(examples[place][1].features, examples[place][1].label) for place in places]
            for place, learned in zip(places, learner.learn_many(labelled), strict=True):
                outcomes[place] = ExampleOutcome.LEARNED if learned else ExampleOutcome.UNUSABLE_LABEL
        return outcomes
