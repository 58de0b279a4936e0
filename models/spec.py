"""A model's specification: its target, features, learners and baseline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from stream_app.models.judging.baselines import ClassFrequencies, RunningMean
from stream_app.models.online.learners import BatchClassifier, BatchRegressor

LearnerT = TypeVar("LearnerT", BatchClassifier, BatchRegressor)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(Generic[LearnerT]):
    """A learning target.

    `learners` are factories by name, called with a seed; the first is the initial champion. `features` are
    the names, or patterns with `*`, of the features that learners may see; () means all. A uniform sample of
    `retained` examples is kept. With fewer than `minimum_examples` the model is warming up and the baseline
    answers.
    """

    name: str
    version: int
    label_rule: str
    learners: Mapping[str, Callable[[int], LearnerT]]
    features: tuple[str, ...] = ()
    minimum_examples: int = 100
    retained: int = 20_000
    rolling_window: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationSpec(ModelSpec[BatchClassifier]):
    """A target with a few labels.

    The decision is the label of highest probability / frequency ** `prior_correction`: 0 serves accuracy, 1
    serves all labels alike. If `clusters` is not 0, the users of the examples are grouped into that many
    clusters by their features, whatever their labels.
    """

    baseline: Callable[[], ClassFrequencies] = ClassFrequencies
    prior_correction: float = 1.0
    clusters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionSpec(ModelSpec[BatchRegressor]):
    """A target with a value in a known range, inclusive, to which answers are clipped."""

    value_range: tuple[float, float]
    baseline: Callable[[], RunningMean] = RunningMean
