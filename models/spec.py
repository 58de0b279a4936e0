"""What a model is told to do: its target, its features, and who learns it beside which baseline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from stream_app.models.judging.baselines import ClassFrequencies, RunningMean
from stream_app.models.online.learners import BatchClassifier, BatchRegressor

LearnerT = TypeVar("LearnerT", BatchClassifier, BatchRegressor)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(Generic[LearnerT]):
    """A learning target.

    `learners` are makers by name, called with a seed; the first is the champion to begin with.
    `features` are names, or patterns of names with `*`, of what the learners may see of an example; ()
    lets them see all. Of all examples a uniform sample of `retained` is kept. Under `minimum_examples` the
    model is warming up and the baseline answers in its place.
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

    The decision is the label of highest probability / frequency ** `prior_correction`: 0 serves
    accuracy, 1 serves all labels alike. Where `clusters` is not 0, whom the examples tell of are grouped
    into so many by their features, whatever their labels.
    """

    baseline: Callable[[], ClassFrequencies] = ClassFrequencies
    prior_correction: float = 1.0
    clusters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionSpec(ModelSpec[BatchRegressor]):
    """A target with a value in a known range, both ends included, to which answers are clipped."""

    value_range: tuple[float, float]
    baseline: Callable[[], RunningMean] = RunningMean
