"""Refitting on a bounded sample of the stream, at stated sizes, inside learn_one.

Between two refits the fit does not change, so a whole stretch of the stream is scored in one call. A scoring
worker never refits: it loads the result of the trainer's last refit.
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
    """A fitted classifier."""

    def predict(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability."""


FittedT = TypeVar("FittedT")
ClassesT = TypeVar("ClassesT", bound=Classes)
LabelT = TypeVar("LabelT")
AnswerT = TypeVar("AnswerT")


class Refits:
    """When to refit: at `first` examples, then each time they have grown by the factor `growth`.

    Refits are at most `most_apart` examples apart. With growth g, all refits so far cost about g / (g - 1)
    times as much as the last one.
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
        """Note a refit at this number of examples, and schedule the next."""
        self._done_at.append(seen)
        self.due_at = seen + min(max(1, int(seen * (self.growth - 1))), self.most_apart)

    def is_current_at(self, seen: int) -> bool:
        """Whether at `seen` examples at most a tenth of them had come since the last refit."""
        last = bisect_right(self._done_at, seen)
        return last > 0 and seen - self._done_at[last - 1] <= self._done_at[last - 1] // 10

    def behind(self, seen: int) -> bool:
        """Whether a refit now would see at least a twentieth more than the last one."""
        return self.done_at > 0 and seen - self.done_at >= max(1, self.done_at // 20)


class Refitted(ABC, Generic[FittedT]):
    """A sample, the fit from the last due refit, and a fresher fit for those who only score.

    Prequential answers come only from `fitted`, whose refits depend on the number of examples. `refresh` can
    therefore be called at any time, for example before each snapshot, without affecting learning. The learner
    has its own sample until it is made to `share` one, which the model then fills.
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
        """The fresher fit if there is one, else that of the last due refit."""
        return self._fresh or self.fitted

    def is_current_at(self, seen: int) -> bool:
        """Whether answers came from a fit nearly as fresh as a published one."""
        return self._refits.is_current_at(seen)

    def share(self, sample: Sample) -> None:
        """Fit a model's sample, from the first example on."""
        self._sample, self._is_shared = sample, True

    def refresh(self) -> None:
        """Fit everything learned so far, if that is at least a twentieth more than the last refit saw."""
        if self._refits.behind(self._seen) and self._seen != self._fresh_at:
            self._fresh, self._fresh_at = self._fit(self._view()), self._seen

    @abstractmethod
    def _fit(self, sample: View) -> FittedT | None:
        """Fit the sample; None if it cannot be fitted, for example with only one label."""

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
    """The common part of classifiers that are refitted as labels arrive.

    They learn from the features that match a pattern in `sees`; () means all. Until the first refit they
    answer with each label's share so far.
    """

    def __init__(self, capacity: int, first: int, growth: float, seed: int, sees: tuple[str, ...]) -> None:
        super().__init__(capacity, first, growth, seed, sees)
        self._labels: list[Label] = []  # a label's index here is its number as a target
        self._frequencies = ClassFrequencies()

    def learn_one(self, x: Features, y: Label) -> None:
        """Sample the example, and refit when one is due."""
        if y not in self._frequencies.counts:
            self._labels.append(y)
        self._frequencies.learn_one(x, y)
        self._add_example(x, y)

    def predict_proba_many(self, xs: Sequence[Features]) -> list[Probabilities]:
        """Return each label's probability from the newest fit."""
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
