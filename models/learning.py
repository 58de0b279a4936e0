"""A learning model: contenders that learn one target, judged before they learn, one of which answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest
from math import log
from typing import Any, Generic, NamedTuple, TypeVar

from stream_app.models.features import Features, Label, visible
from stream_app.models.insight.clusters import Cluster, UserClusters
from stream_app.models.judging.scores import ClassificationScores, PrequentialScores, RegressionScores, brier
from stream_app.models.online.calibration import Calibrator
from stream_app.models.online.champion import Contest
from stream_app.models.online.drift import DriftMonitor
from stream_app.models.online.learners import BatchClassifier, BatchRegressor, Probabilities, normalised
from stream_app.models.spec import ClassificationSpec, LearnerT, ModelSpec, RegressionSpec

LEAST_BELIEF = (
    0.05  # in any label, when contenders are compared: labels are noisy, and one loss must not decide
)

LabelT = TypeVar("LabelT")
AnswerT = TypeVar("AnswerT")


class Status(StrEnum):
    """Whether the model answers, or the baseline in its place."""

    WARMING_UP = "warming_up"
    READY = "ready"


class Example(NamedTuple, Generic[LabelT]):
    """The features as they were when the prediction was due, and what came true."""

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
    """How much a feature's value moved the decision towards its label; below 0 it spoke against it."""

    feature: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True, slots=True)
class ValuePrediction:
    """An expected value within the target's range."""

    value: float
    status: Status


class LearningModel(ABC, Generic[LearnerT, LabelT, AnswerT]):
    """Test, then learn: each example is answered by champion and baseline before any learner sees its label.

    The same examples in the same order give the same model, however they are cut into calls.
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

    @property
    def status(self) -> Status:
        """Whether enough examples were seen for the champion to answer."""
        return Status.WARMING_UP if self.examples_seen < self.minimum_examples else Status.READY

    @property
    def champion(self) -> LearnerT:
        """The learner that answers once the model is ready."""
        return self.learners[self.contest.champion]

    @property
    def features_read(self) -> frozenset[str] | None:
        """The features that answers come from as the model stands; None where any may count."""
        return frozenset() if self.status is Status.WARMING_UP else self.champion.features_read

    def learn(self, example: Example[LabelT]) -> AnswerT:
        """Answer, then learn one example; return the answer."""
        return self.learn_many([example])[0]

    @abstractmethod
    def learn_many(self, examples: Sequence[Example[LabelT]]) -> list[AnswerT]:
        """Answer, then learn each example in turn; return the answers."""

    def refresh(self) -> None:
        """Bring the learners' answers up to date with all that was learned, before they are published."""
        for learner in self.learners.values():
            learner.refresh()

    def predict(self, x: Features) -> AnswerT:
        """Answer one example."""
        return self.predict_many([x])[0]

    @abstractmethod
    def predict_many(self, xs: Sequence[Features]) -> list[AnswerT]:
        """Answer each example with the model as it stands."""

    @abstractmethod
    def scores(self) -> dict[str, Any]:
        """Return {"model": ..., "baseline": ...}, each with overall and rolling prequential figures."""

    def visible(self, x: Features) -> Features:
        """Return what the learners may see of an example."""
        return visible(x, self.features)


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

    def learn_many(self, examples: Sequence[Example[Label]]) -> list[ClassPrediction]:
        """Answer, then learn each example in turn; return the answers."""
        xs = [self.visible(example.features) for example in examples]
        labels = [example.label for example in examples]
        answers = {name: learner.predict_then_learn(xs, labels) for name, learner in self.learners.items()}
        predictions = []
        for place, label in enumerate(labels):
            given = {name: answer[place] for name, answer in answers.items()}
            prediction = self._judge(given, label)
            is_own = prediction.status is Status.READY
            self.drift.update(xs[place], brier(prediction.probabilities, label) / 2 if is_own else None)
            predictions.append(prediction)
            self.baseline.learn_one({}, label)
            self.examples_seen += 1
        if self.clusters:
            self.clusters.learn_many(xs)
        return predictions

    def clusters_of(self, xs: Sequence[Features]) -> list[Cluster | None]:
        """Return the cluster that each belongs to; None where none are told apart, or not yet."""
        return self.clusters.clusters_of([self.visible(x) for x in xs]) if self.clusters else [None] * len(xs)

    def predict_many(self, xs: Sequence[Features]) -> list[ClassPrediction]:
        """Answer each example with the model as it stands."""
        shares = self.baseline.shares()
        if self.status is Status.WARMING_UP:
            return [self._fall_back(shares) for _ in xs]
        answers = self.champion.predict_proba_many([self.visible(x) for x in xs])
        return [self._predict(answer, shares) for answer in answers]

    def explain(self, x: Features, label: Label, most: int = 3) -> list[Reason]:
        """Return the features that moved the champion most towards the label or away from it."""
        return self.explain_many([x], [label], most)[0]

    def explain_many(
        self, xs: Sequence[Features], labels: Sequence[Label], most: int = 3
    ) -> list[list[Reason]]:
        """Return for each example the features that moved the champion most towards or from its label.

        Largest contribution first, at most `most`; none while warming up. A feature that is missing is
        given as None: that it is unknown counts too.
        """
        if self.status is Status.WARMING_UP or not xs:
            return [[] for _ in xs]
        parts = self.champion.contributions_many([self.visible(x) for x in xs], labels)
        return [_foremost(x, shares, most) for x, shares in zip(xs, parts, strict=True)]

    def scores(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return {"model": ..., "baseline": ...}, each with overall and rolling prequential figures."""
        return {"model": self._model_scores.get(), "baseline": self._baseline_scores.get()}

    def _judge(self, given: Mapping[str, Probabilities], label: Label) -> ClassPrediction:
        shares = self.baseline.shares()
        fallback = self._fall_back(shares)
        if self.status is Status.WARMING_UP:
            prediction = fallback
        else:
            prediction = self._predict(given[self.contest.champion], shares)
        if shares:
            self._model_scores.update(label, prediction.label, prediction.probabilities)
            self._baseline_scores.update(label, fallback.label, fallback.probabilities)
        if label in shares:
            self.contest.update({name: self._loss(answer, shares, label) for name, answer in given.items()})
        for name, answer in given.items():
            self.calibrators[name].learn(answer, label)
        return prediction

    def _predict(self, answer: Probabilities, shares: Probabilities) -> ClassPrediction:
        calibrated = self.calibrators[self.contest.champion].apply(answer)
        return ClassPrediction(self._decide(answer, shares), calibrated, Status.READY)

    def _loss(self, answer: Probabilities, shares: Probabilities, label: Label) -> float:
        """Return the log loss, every label counting alike in the answer and in the sum, however rare."""
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

    def learn_many(self, examples: Sequence[Example[float]]) -> list[ValuePrediction]:
        """Answer, then learn each example in turn; return the answers."""
        xs = [self.visible(example.features) for example in examples]
        values = [example.label for example in examples]
        answers = {name: learner.predict_then_learn(xs, values) for name, learner in self.learners.items()}
        predictions = []
        for place, value in enumerate(values):
            given = {name: self._clip(answer[place]) for name, answer in answers.items()}
            prediction = self._judge(given, value)
            error = abs(value - prediction.value) / (self.high - self.low)
            self.drift.update(xs[place], error if prediction.status is Status.READY else None)
            predictions.append(prediction)
            self.baseline.learn_one({}, value)
            self.examples_seen += 1
        return predictions

    def predict_many(self, xs: Sequence[Features]) -> list[ValuePrediction]:
        """Answer each example with the model as it stands."""
        if self.status is Status.WARMING_UP:
            return [ValuePrediction(self._clip(self.baseline.mean), Status.WARMING_UP) for _ in xs]
        answers = self.champion.predict_many([self.visible(x) for x in xs])
        return [ValuePrediction(self._clip(answer), Status.READY) for answer in answers]

    def explain_values(self, xs: Sequence[Features], most: int = 3) -> list[list[Reason]]:
        """Return for each example the features that moved the champion's value most, as `explain_many`."""
        if self.status is Status.WARMING_UP or not xs:
            return [[] for _ in xs]
        parts = self.champion.contributions_many([self.visible(x) for x in xs])
        return [_foremost(x, shares, most) for x, shares in zip(xs, parts, strict=True)]

    def scores(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return {"model": ..., "baseline": ...}, each with overall and rolling prequential figures."""
        return {"model": self._model_scores.get(), "baseline": self._baseline_scores.get()}

    def _judge(self, given: Mapping[str, float], value: float) -> ValuePrediction:
        mean = self._clip(self.baseline.mean)
        answer = mean if self.status is Status.WARMING_UP else given[self.contest.champion]
        self._model_scores.update(value, answer)
        self._baseline_scores.update(value, mean)
        self.contest.update({name: (value - given[name]) ** 2 for name in given})
        return ValuePrediction(answer, self.status)

    def _clip(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def _foremost(x: Features, parts: Mapping[str, float], most: int) -> list[Reason]:
    ranked = nsmallest(most, parts.items(), key=lambda part: (-abs(part[1]), part[0]))
    return [Reason(name, x.get(name), part) for name, part in ranked if part]


AnyModel = ClassificationModel | RegressionModel
