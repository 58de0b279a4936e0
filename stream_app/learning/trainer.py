"""Learns every example once, in the order of the training topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby

from stream_app.learning.marking import Marker
from stream_app.learning.ports import Learner, StartsLearner
from stream_app.schemas.outputs import ItemOutcomes, TrainingExample

REMEMBERED_IDS = 20_000
Taught = TrainingExample | ItemOutcomes


class ExampleOutcome(StrEnum):
    """The outcome of learning an example; used as a metric's label."""

    LEARNED = "learned"
    REPEATED = "repeated"
    UNKNOWN_TARGET = "unknown_target"
    UNUSABLE_LABEL = "unusable_label"


def by_label(example: TrainingExample) -> Iterator[TrainingExample]:
    """Split an example with several labels into one per label, each with its own id."""
    yield example
    for target, label in example.other_labels.items():
        identifier = f"{example.id} {target}"
        yield example.model_copy(
            update={"id": identifier, "target": target, "label": label, "other_labels": {}}
        )


class RecentIds:
    """A bounded set of recent ids, so that examples repeated after a crash are learned once."""

    def __init__(self, limit: int = REMEMBERED_IDS) -> None:
        self._limit = limit
        self._ids: dict[str, None] = {}

    def add(self, identifier: str) -> bool:
        """Add an id; return False if it was already there."""
        if identifier in self._ids:
            return False
        self._ids[identifier] = None
        if len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]
        return True


class Trainer:
    """Passes examples to their target's learner.

    `contained` has, by learner, the training offset up to which it has already learned: after a crash between
    the snapshots of two models, one is ahead of the other.
    """

    def __init__(
        self,
        learners: Mapping[str, Learner],
        contained: Mapping[str, int] | None = None,
        marker: Marker | None = None,
    ) -> None:
        self._learners = learners
        self._marker = marker or Marker(b"")
        self._contained = dict(contained or {})
        self._recent = RecentIds()
        self.offset = max(self._contained.values(), default=-1)

    def remember(self, example: Taught, offset: int) -> None:
        """Remember the id of an example that its learner contains; one that is behind has yet to learn it."""
        learner = self._learners.get(example.target)
        if learner is None or offset <= self._contained.get(learner.name, -1):
            self._recent.add(example.id)

    def learn(self, examples: Sequence[tuple[int, Taught]]) -> list[ExampleOutcome]:
        """Learn examples, each with its training offset, except those learned before.

        Each learner gets its examples in order and in one call; the resulting models do not depend on how
        examples are divided into calls.
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
            share = [examples[place][1] for place in places]
            for place, learned in zip(places, _learn(learner, share, self._marker), strict=True):
                outcomes[place] = ExampleOutcome.LEARNED if learned else ExampleOutcome.UNUSABLE_LABEL
        return outcomes

    def forget(self, user_keys: Iterable[str]) -> dict[str, int]:
        """Remove all examples of some users; return how many each learner had, by name."""
        owners = {owner for user_key in user_keys for owner in self._marker.owners(user_key)}
        learners = {learner.name: learner for learner in self._learners.values()}
        return {name: learner.forget(owners) for name, learner in learners.items()}


def _learn(learner: Learner, share: Sequence[Taught], marker: Marker) -> list[bool]:
    """Learn in order, with one call per run of the same kind."""
    learned: list[bool] = []
    for _, alike in groupby(share, key=type):
        run = list(alike)
        marks = [marker.mark(example.user_key, example.id) for example in run]
        outcomes = [example for example in run if isinstance(example, ItemOutcomes)]
        labelled = [
            (example.features, example.label) for example in run if isinstance(example, TrainingExample)
        ]
        if labelled:
            learned += learner.learn_many(labelled, marks)
        elif isinstance(learner, StartsLearner):
            learned += learner.learn_outcomes(outcomes, marks)
        else:
            learned += [False] * len(outcomes)
    return learned
