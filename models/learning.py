"""A learning model: contenders for one target, judged before they learn; the champion answers."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest
from math import isfinite, log
from typing import Any, Generic, NamedTuple, Self, TypeVar

from stream_app.models.features import Features, Label, visible
from stream_app.models.insight.clusters import Cluster, UserClusters
from stream_app.models.judging.scores import ClassificationScores, PrequentialScores, RegressionScores, brier
from stream_app.models.online.bounds import due_after, rounded
from stream_app.models.online.calibration import Calibrator
from stream_app.models.online.champion import Contest
from stream_app.models.online.drift import DriftMonitor
from stream_app.models.online.learners import BatchClassifier, BatchRegressor, Probabilities, normalised
from stream_app.models.online.sample import Mark, Sample
from stream_app.models.spec import ClassificationSpec, LearnerT, ModelSpec, RegressionSpec

LEAST_BELIEF = (
    0.05  # of any label when contenders are compared: labels are noisy, and a single loss must not decide
)

RELEARNED_AT_ONCE = 500

LabelT = TypeVar("LabelT")
AnswerT = TypeVar("AnswerT")


class Status(StrEnum):
    """Whether the model answers, or the baseline instead."""

    WARMING_UP = "warming_up"
    READY = "ready"


class Example(NamedTuple, Generic[LabelT]):
    """The features at the time of the prediction, and the outcome."""

    features: Features
    label: LabelT


@dataclass(frozen=True, slots=True)
class ClassPrediction:
    """A decision that corrects for rare labels, and uncorrected probabilities."""

    label: Label | None
    probabilities: Probabilities
    status: Status


@dataclass(frozen=True, slots=True)
class Reason:
    """How much a feature's value moved the decision towards its label, or away from it if below 0."""

    feature: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True, slots=True)
class ValuePrediction:
    """An expected value within the target's range."""

    value: float
    status: Status


class LearningModel(ABC, Generic[LearnerT, LabelT, AnswerT]):
    """Test, then learn: champion and baseline answer each example before any learner sees its label.

    The same examples in the same order give the same model, however they are divided into calls. Learners see
    numbers within the sample's bounds, which come from earlier examples; the first examples wait until there
    are bounds.
    """

    def __init__(self, spec: ModelSpec[LearnerT], seed: int = 0) -> None:
        self.name = spec.name
        self.version = spec.version
        self.features = spec.features
        self.minimum_examples = spec.minimum_examples
        self.examples_seen = 0
        self.learners: dict[str, LearnerT] = {name: make(seed) for name, make in spec.learners.items()}
        self.contest = Contest(tuple(self.learners))
        self.drift = DriftMonitor()
        self.sample = Sample(spec.retained, seed)
        for learner in self.learners.values():
            learner.share(self.sample)
        self._bounds_due_at = due_after(0)
        self._waiting: list[tuple[Features, LabelT, Mark]] = []
        self.has_traces = False  # of owners whose examples were removed

    @property
    def status(self) -> Status:
        """Whether the model has seen enough examples for the champion to answer."""
        return Status.WARMING_UP if self.examples_seen < self.minimum_examples else Status.READY

    @property
    def champion(self) -> LearnerT:
        """The learner that answers once the model is ready."""
        return self.learners[self.contest.champion]

    @property
    def features_read(self) -> frozenset[str] | None:
        """The features that answers currently depend on; None if any may count."""
        return frozenset() if self.status is Status.WARMING_UP else self.champion.features_read

    def learn(self, example: Example[LabelT]) -> AnswerT:
        """Answer, then learn one example; return the answer."""
        return self.learn_many([example])[0]

    def learn_many(
        self, examples: Sequence[Example[LabelT]], marks: Sequence[Mark] | None = None
    ) -> list[AnswerT]:
        """Answer, then learn each example in turn; return the answers. `marks` identify the owners."""
        xs = [rounded(self.visible(example.features)) for example in examples]
        labels = [example.label for example in examples]
        given = marks or [self.sample.mark_of(self.examples_seen + place) for place in range(len(xs))]
        for x, label, mark in zip(xs, labels, given, strict=True):
            self.sample.add(x, label, mark)
        answers: list[AnswerT] = []
        while len(answers) < len(xs):
            part = slice(len(answers), len(answers) + self._bounds_due_at - self.examples_seen)
            answers += self._learn_part(xs[part], labels[part], given[part])
            if self.examples_seen >= self._bounds_due_at:
                self._bounds_due_at = due_after(self.examples_seen)
                self.sample.fit_bounds(self.examples_seen)
                self._learn_waiting()
        return answers

    def forget(self, owners: Collection[int]) -> int:
        """Remove all examples of some owners from the sample and the windows; return how many there were.

        What was learned from them remains until another model `relearn`s the rest.
        """
        gone = self.sample.forget(owners)
        if gone:
            self.has_traces = True
            self._waiting = [waiting for waiting in self._waiting if waiting[2].owner not in owners]
            self.drift.forget()
        return gone

    def relearn(self, other: Self) -> None:
        """Learn, as a new model, everything that another model of the same target still holds, in its order.

        The result equals a model that never saw anything else.
        """
        held = other.sample.examples()
        self.sample.keep_out_as(other.sample)
        for start in range(0, len(held), RELEARNED_AT_ONCE):
            part = held[start : start + RELEARNED_AT_ONCE]
            self.learn_many([Example(x, label) for x, label, _ in part], [mark for _, _, mark in part])

    def _learn_part(
        self, xs: Sequence[Features], labels: Sequence[LabelT], marks: Sequence[Mark]
    ) -> list[AnswerT]:
        if self.sample.bounds is None:
            self._waiting += zip(xs, labels, marks, strict=True)
            given = {name: self._ask(learner, xs) for name, learner in self.learners.items()}
        else:
            given = self._teach([self.sample.bounds.squash(x) for x in xs], labels)
        answers = []
        for place, (x, label) in enumerate(zip(xs, labels, strict=True)):
            answers.append(self._judge({name: answer[place] for name, answer in given.items()}, x, label))
            self.examples_seen += 1
        return answers

    def _learn_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and self.sample.bounds is not None:
            xs = [self.sample.bounds.squash(x) for x, _, _ in waiting]
            self._teach(xs, [label for _, label, _ in waiting])

    @abstractmethod
    def _teach(self, xs: Sequence[Features], labels: Sequence[LabelT]) -> dict[str, list[Any]]:
        """Return every learner's answers, each given before its label is learned."""

    @abstractmethod
    def _ask(self, learner: LearnerT, xs: Sequence[Features]) -> list[Any]:
        """Return a learner's answers."""

    @abstractmethod
    def _judge(self, given: dict[str, Any], x: Features, label: LabelT) -> AnswerT:
        """Return the model's answer to one example, scored against the outcome; the baseline learns it."""

    def refresh(self) -> None:
        """Bring the learners' answers up to date with everything learned, before publishing."""
        for learner in self.learners.values():
            learner.refresh()

    def predict(self, x: Features) -> AnswerT:
        """Answer one example."""
        return self.predict_many([x])[0]

    @abstractmethod
    def predict_many(self, xs: Sequence[Features]) -> list[AnswerT]:
        """Answer each example with the current model."""

    @abstractmethod
    def scores(self) -> dict[str, Any]:
        """Return {"model": ..., "baseline": ...}, each with overall and rolling prequential figures."""

    def _compare(self, losses: Mapping[str, float]) -> None:
        if all(learner.is_current_at(self.examples_seen) for learner in self.learners.values()):
            self.contest.update(losses)
        else:
            self.contest.let_pass()

    def visible(self, x: Features) -> Features:
        """Return what the learners may see of an example."""
        return visible(x, self.features)

    def bounded(self, x: Features) -> Features:
        """Return an example as the learners see it: the features visible to them, within bounds."""
        bounds = self.sample.bounds
        return rounded(self.visible(x)) if bounds is None else bounds.squash(self.visible(x))


class ClassificationModel(LearningModel[BatchClassifier, Label, ClassPrediction]):
    """Learns a target with a few labels."""

    def __init__(self, spec: ClassificationSpec, seed: int = 0) -> None:
        super().__init__(spec, seed)
        self.prior_correction = spec.prior_correction
        self.baseline = spec.baseline()
        self.calibrators = {name: Calibrator() for name in self.learners}
        self.clusters = UserClusters(spec.clusters, seed=seed) if spec.clusters else None
        self._model_scores = PrequentialScores(ClassificationScores, spec.rolling_window)
        self._baseline_scores = PrequentialScores(ClassificationScores, spec.rolling_window)

    def forget(self, owners: Collection[int]) -> int:
        """Remove all examples of some owners, including those waiting to move the clusters."""
        gone = super().forget(owners)
        if gone:
            if self.clusters:
                self.clusters.drop_waiting()
            for calibrator in self.calibrators.values():
                calibrator.drop_window()
        return gone

    def clusters_of(self, xs: Sequence[Features]) -> list[Cluster | None]:
        """Return each example's cluster; None if the model has no clusters, or none yet."""
        return self.clusters.clusters_of([self.bounded(x) for x in xs]) if self.clusters else [None] * len(xs)

    def predict_many(self, xs: Sequence[Features]) -> list[ClassPrediction]:
        """Answer each example with the current model."""
        shares = self.baseline.shares()
        if self.status is Status.WARMING_UP:
            return [self._fall_back(shares) for _ in xs]
        answers = self._ask(self.champion, [self.bounded(x) for x in xs])
        return [self._predict(sound(answer, shares), shares) for answer in answers]

    def explain(self, x: Features, label: Label, most: int = 3) -> list[Reason]:
        """Return the features that moved the champion most towards the label or away from it."""
        return self.explain_many([x], [label], most)[0]

    def explain_many(
        self, xs: Sequence[Features], labels: Sequence[Label], most: int = 3
    ) -> list[list[Reason]]:
        """Return for each example the features that moved the champion most towards or away from its label.

        Largest contribution first, at most `most`; none while warming up. A missing feature is given as None,
        because its absence counts too.
        """
        if self.status is Status.WARMING_UP or not xs:
            return [[] for _ in xs]
        parts = self.champion.contributions_many([self.bounded(x) for x in xs], labels)
        return [_foremost(x, shares, most) for x, shares in zip(xs, parts, strict=True)]

    def scores(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return {"model": ..., "baseline": ...}, each with overall and rolling prequential figures."""
        return {"model": self._model_scores.get(), "baseline": self._baseline_scores.get()}

    def _teach(self, xs: Sequence[Features], labels: Sequence[Label]) -> dict[str, list[Any]]:
        if self.clusters:
            self.clusters.learn_many(xs)
        return {name: learner.predict_then_learn(xs, labels) for name, learner in self.learners.items()}

    def _ask(self, learner: BatchClassifier, xs: Sequence[Features]) -> list[Probabilities]:
        return learner.predict_proba_many(xs)

    def _judge(self, given: dict[str, Probabilities], x: Features, label: Label) -> ClassPrediction:
        shares = self.baseline.shares()
        fallback = self._fall_back(shares)
        given = {name: sound(answer, shares) for name, answer in given.items()}
        is_own = self.status is Status.READY and bool(given[self.contest.champion])
        prediction = self._predict(given[self.contest.champion], shares) if is_own else fallback
        if shares:
            self._model_scores.update(label, prediction.label, prediction.probabilities)
            self._baseline_scores.update(label, fallback.label, fallback.probabilities)
        if label in shares:
            self._compare({name: self._loss(answer, shares, label) for name, answer in given.items()})
        for name, answer in given.items():
            self.calibrators[name].learn(answer, label)
        self.drift.update(x, brier(prediction.probabilities, label) / 2 if is_own else None)
        self.baseline.learn_one({}, label)
        return prediction

    def _predict(self, answer: Probabilities, shares: Probabilities) -> ClassPrediction:
        calibrated = self.calibrators[self.contest.champion].apply(answer)
        return ClassPrediction(self._decide(answer, shares), calibrated, Status.READY)

    def _loss(self, answer: Probabilities, shares: Probabilities, label: Label) -> float:
        """Return the log loss with equal weight for every label, in the answer and in the sum."""
        leveled = normalised({name: answer.get(name, 0.0) / share for name, share in shares.items()})
        softened = LEAST_BELIEF + (1 - LEAST_BELIEF) * leveled[label]
        return -log(softened) / (len(shares) * shares[label])

    def _decide(self, probabilities: Probabilities, shares: Probabilities) -> Label:
        return max(
            probabilities,
            key=lambda label: probabilities[label] / shares.get(label, 1.0) ** self.prior_correction,
        )

    def _fall_back(self, shares: Probabilities) -> ClassPrediction:
        majority = max(shares, key=shares.__getitem__) if shares else None
        return ClassPrediction(majority, shares, self.status)


class RegressionModel(LearningModel[BatchRegressor, float, ValuePrediction]):
    """Learns a target with a value in a known range."""

    def __init__(self, spec: RegressionSpec, seed: int = 0) -> None:
        super().__init__(spec, seed)
        self.low, self.high = spec.value_range
        self.baseline = spec.baseline()
        self._model_scores = PrequentialScores(RegressionScores, spec.rolling_window)
        self._baseline_scores = PrequentialScores(RegressionScores, spec.rolling_window)

    def predict_many(self, xs: Sequence[Features]) -> list[ValuePrediction]:
        """Answer each example with the current model."""
        if self.status is Status.WARMING_UP:
            return [ValuePrediction(self._clip(self.baseline.mean), Status.WARMING_UP) for _ in xs]
        answers = self._ask(self.champion, [self.bounded(x) for x in xs])
        return [ValuePrediction(self._clip(answer), Status.READY) for answer in answers]

    def explain_values(self, xs: Sequence[Features], most: int = 3) -> list[list[Reason]]:
        """Return for each example the features that moved the champion's value most, as `explain_many`."""
        if self.status is Status.WARMING_UP or not xs:
            return [[] for _ in xs]
        parts = self.champion.contributions_many([self.bounded(x) for x in xs])
        return [_foremost(x, shares, most) for x, shares in zip(xs, parts, strict=True)]

    def scores(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return {"model": ..., "baseline": ...}, each with overall and rolling prequential figures."""
        return {"model": self._model_scores.get(), "baseline": self._baseline_scores.get()}

    def _teach(self, xs: Sequence[Features], labels: Sequence[float]) -> dict[str, list[Any]]:
        return {name: learner.predict_then_learn(xs, labels) for name, learner in self.learners.items()}

    def _ask(self, learner: BatchRegressor, xs: Sequence[Features]) -> list[float]:
        return learner.predict_many(xs)

    def _judge(self, given: dict[str, float], x: Features, label: float) -> ValuePrediction:
        if not isfinite(label):
            raise ValueError(f"{self.name} learns finite values: leave out an example with the label {label}")
        mean = self._clip(self.baseline.mean)
        given = {name: self._clip(answer) for name, answer in given.items()}
        is_own = self.status is Status.READY
        answer = given[self.contest.champion] if is_own else mean
        self._model_scores.update(label, answer)
        self._baseline_scores.update(label, mean)
        self._compare({name: (label - given[name]) ** 2 for name in given})
        self.drift.update(x, abs(label - answer) / (self.high - self.low) if is_own else None)
        self.baseline.learn_one({}, label)
        return ValuePrediction(answer, self.status)

    def _clip(self, value: float) -> float:
        """Clip the value to the range; replace NaN with the mean so far."""
        value = value if isfinite(value) else self.baseline.mean
        return min(max(value, self.low), self.high)


def sound(answer: Probabilities, shares: Probabilities) -> Probabilities:
    """Return a learner's answer, or the labels' shares if it has none or one with NaN."""
    return answer if answer and all(isfinite(share) for share in answer.values()) else shares


def _foremost(x: Features, parts: Mapping[str, float], most: int) -> list[Reason]:
    ranked = nsmallest(most, parts.items(), key=lambda part: (-abs(part[1]), part[0]))
    return [Reason(name, _finite_or_none(x.get(name)), part) for name, part in ranked if part]


def _finite_or_none(value: float | str | None) -> float | str | None:
    return value if isinstance(value, str) or (value is not None and isfinite(value)) else None


AnyModel = ClassificationModel | RegressionModel
