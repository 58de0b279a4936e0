"""Refitting on a bounded sample of the stream, at stated sizes, inside learn_one.

Between two refits what was fitted stands still, so a whole stretch of the stream is scored in one call,
and a scoring worker pays for no refit: it loads what the trainer's last refit gave.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from stream_app.models.features import Features, Label
from stream_app.models.judging.baselines import ClassFrequencies
from stream_app.models.online.learners import BatchClassifier, Probabilities
from stream_app.models.online.sample import Sample, View


class Classes(Protocol):
    """What was fitted to tell labels apart."""

    def predict(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability."""


FittedT = TypeVar("FittedT")
ClassesT = TypeVar("ClassesT", bound=Classes)
LabelT = TypeVar("LabelT")
AnswerT = TypeVar("AnswerT")


class Refits:
    """When to refit: at `first` examples, then each time they have grown by `growth`.

    Refits are at most `most_apart` examples apart. With growth g all refits so far cost about
    g / (g - 1) times the last one.
    """

    def __init__(self, first: int, growth: float, most_apart: int = 50_000) -> None:
        self.growth = growth
        self.most_apart = most_apart
        self.due_at = first
        self._done_at: list[int] = []

    @property
    def done_at(self) -> int:
        """The number of examples at the last refit; 0 before the first."""
        return self._done_at[-1] if self._done_at else 0

    def done(self, seen: int) -> None:
        """Set the next refit by the number of examples at this one."""
        self._done_at.append(seen)
        self.due_at = seen + min(max(1, int(seen * (self.growth - 1))), self.most_apart)

    def is_current_at(self, seen: int) -> bool:
        """Whether no more than a tenth had been learned since the last refit when `seen` were."""
        last = bisect_right(self._done_at, seen)
        return last > 0 and seen - self._done_at[last - 1] <= self._done_at[last - 1] // 10

    def behind(self, seen: int) -> bool:
        """Whether refitting now would add a twentieth or more to what the last refit saw."""
        return self.done_at > 0 and seen - self.done_at >= max(1, self.done_at // 20)


class Refitted(ABC, Generic[FittedT]):
    """A sample, what was fitted on it when a refit fell due, and a fresher fit for those who only score.

    Prequential answers come from `fitted` alone, whose refits fall due by the number of examples. So
    `refresh` may be called at any time, as before each snapshot, and the learning goes on as if it had not
    been. The sample is the learner's own until it `share`s that of a model, which fills it.
    """

    def __init__(
        self, capacity: int, first: int, growth: float, seed: int, sees: tuple[str, ...] = ()
    ) -> None:
        self.capacity = capacity
        self.first = first
        self.growth = growth
        self.seed = seed
        self.sees = sees
        self.fitted: FittedT | None = None
        self._fresh: FittedT | None = None
        self._fresh_at = 0
        self._seen = 0
        self._sample = Sample(capacity, seed)
        self._is_shared = False
        self._refits = Refits(first, growth)

    @property
    def newest(self) -> FittedT | None:
        """The fresher fit where there is one, else what was fitted when last due."""
        return self._fresh or self.fitted

    def is_current_at(self, seen: int) -> bool:
        """Whether answers came from a fit that was nearly as fresh as one that is published."""
        return self._refits.is_current_at(seen)

    def share(self, sample: Sample) -> None:
        """Fit what a model samples, from the first example on."""
        self._sample, self._is_shared = sample, True

    def refresh(self) -> None:
        """Fit what was learned up to now, if it is more by a twentieth than the last refit saw."""
        if self._refits.behind(self._seen) and self._seen != self._fresh_at:
            self._fresh, self._fresh_at = self._fit(self._view()), self._seen

    @abstractmethod
    def _fit(self, sample: View) -> FittedT | None:
        """Fit the sample; None where it cannot be fitted, as with one label alone."""

    def _view(self) -> View:
        return self._sample.view(self._seen, self.capacity, self.sees)

    def _add_example(self, x: Features, y: Label | float) -> None:
        if not self._is_shared:
            self._sample.add(x, y)
        self._seen += 1
        if self._seen >= self._refits.due_at:
            self._refits.done(self._seen)
            self.fitted = self._fit(self._view()) or self.fitted
            self._fresh = None

    def _in_stretches(
        self,
        xs: Sequence[Features],
        ys: Sequence[LabelT],
        predict_many: Callable[[Sequence[Features]], list[AnswerT]],
        learn_one: Callable[[Features, LabelT], None],
    ) -> list[AnswerT]:
        """Predict, then learn in order, each stretch between two refits predicted in one call."""
        answers: list[AnswerT] = []
        while len(answers) < len(xs):
            start = len(answers)
            stretch = 1 if self.fitted is None else self._refits.due_at - self._seen
            answers += predict_many(xs[start : start + stretch])
            for x, y in zip(xs[start : len(answers)], ys[start : len(answers)], strict=True):
                learn_one(x, y)
        return answers


class RefittedClassifier(Refitted[ClassesT], BatchClassifier):
    """What classifiers share that are refitted as labels come.

    They learn from the features that match one of the patterns in `sees`; () stands for all. Until the
    first refit they answer with each label's share so far.
    """

    def __init__(self, capacity: int, first: int, growth: float, seed: int, sees: tuple[str, ...]) -> None:
        super().__init__(capacity, first, growth, seed, sees)
        self._labels: list[Label] = []  # a label's number as a target is its place here
        self._frequencies = ClassFrequencies()

    def learn_one(self, x: Features, y: Label) -> None:
        """Sample the example, and refit when one is due."""
        if y not in self._frequencies.counts:
            self._labels.append(y)
        self._frequencies.learn_one(x, y)
        self._add_example(x, y)

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability by the newest fit."""
        return self._predict(self.newest, xs)

    def predict_then_learn(self, xs: Sequence[Features], ys: Sequence[Label]) -> list[Probabilities]:
        """Answer and learn in order, scoring each stretch between two refits in one call."""
        return self._in_stretches(xs, ys, lambda part: self._predict(self.fitted, part), self.learn_one)

    def _targets(self, sample: View) -> NDArray[np.int32]:
        numbers = {label: number for number, label in enumerate(self._labels)}
        return np.array([numbers[label] for label in sample.labels], dtype=np.int32)

    def _predict(self, fitted: ClassesT | None, xs: Sequence[Features]) -> list[Probabilities]:
        if fitted is None or not xs:
            return self._frequencies.predict_proba_many(xs)
        return fitted.predict(xs)
