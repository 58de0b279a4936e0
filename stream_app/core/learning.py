"""The trainer's part: every example learned once, in the order of the training topic."""

from __future__ import annotations

from collections.abc import Mapping
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

    def remember(self, example_id: str) -> None:
        """Know an example again that was learned before the start."""
        self._recent.add(example_id)

    def take(self, example: TrainingExample, offset: int) -> ExampleOutcome:
        """Learn one example, unless it was learned before."""
        self.offset = max(self.offset, offset)
        is_new = self._recent.add(example.id)
        learner = self._learners.get(example.target)
        if learner is None:
            return ExampleOutcome.UNKNOWN_TARGET
        if not is_new or offset <= self._contained.get(learner.name, -1):
            return ExampleOutcome.REPEATED
        learned = learner.learn(example.features, example.label)
        return ExampleOutcome.LEARNED if learned else ExampleOutcome.UNUSABLE_LABEL
