"""The interfaces through which the core uses models."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from stream_app.models.online.sample import Mark
from stream_app.schemas.outputs import ItemOutcomes, ModelStamp, RecommendedItem

Features = Mapping[str, float | str]


class TierPrediction(Protocol):
    """A decision among tiers 1, 2 and 3 (None if undecided), and the probabilities behind it."""

    @property
    def label(self) -> int | str | None: ...
    @property
    def probabilities(self) -> Mapping[int | str, float]: ...


class Contribution(Protocol):
    """How much a feature's value moved a decision, in probability."""

    @property
    def feature(self) -> str: ...
    @property
    def value(self) -> float | str | None: ...
    @property
    def contribution(self) -> float: ...


class TierModel(Protocol):
    """Scores tiers; it does not change while a batch is scored."""

    def stamp(self) -> ModelStamp:
        """Name, version and examples seen, for the envelopes of its decisions."""

    def features_read(self) -> frozenset[str] | None:
        """The features that its answers and reasons depend on; None if any may count."""

    def predict_tiers(self, examples: Sequence[Features]) -> Sequence[TierPrediction]:
        """One prediction per example, in one call for a whole batch."""

    def explain_tiers(
        self, examples: Sequence[Features], tiers: Sequence[int]
    ) -> Sequence[Sequence[Contribution]]:
        """What moved each example most towards or away from its tier, largest first."""


class ClusterTrait(Protocol):
    """How a feature's mean within a cluster of users differs from the overall mean."""

    @property
    def feature(self) -> str: ...
    @property
    def difference(self) -> float: ...
    @property
    def inside(self) -> float: ...
    @property
    def everybody(self) -> float: ...


class Cluster(Protocol):
    """Users who behave alike: the cluster's number, its share of all users, and its strongest traits."""

    @property
    def number(self) -> int: ...
    @property
    def share(self) -> float: ...
    @property
    def traits(self) -> Sequence[ClusterTrait]: ...


class OutcomeModel(Protocol):
    """Predicts one outcome; it does not change while a batch is scored."""

    def stamp(self) -> ModelStamp:
        """Name, version and examples seen."""

    def predict_chances(self, examples: Sequence[Features]) -> Sequence[float]:
        """Each example's probability, in one call for a whole batch."""

    def clusters_of(self, examples: Sequence[Features]) -> Sequence[Cluster | None]:
        """Each example's cluster of users; None if the model has no clusters."""


class Occasion(NamedTuple):
    """What a list is requested for: an open session at event time `at`, and usable facts about its user.

    `session_items` and the user's earlier items are in click order; all random draws depend on `seed`.
    """

    session_items: Sequence[str]
    at: float
    seed: str
    user: str | None = None
    user_history: Sequence[str] = ()
    device: str | None = None
    country: str | None = None
    bought: Sequence[str] = ()


class Recommender(Protocol):
    """Recommends the next items of a session."""

    def stamp(self) -> ModelStamp:
        """Name, version and sessions learned."""

    def recommend(self, occasion: Occasion, count: int) -> Sequence[RecommendedItem]:
        """At most `count` items, best first; none if nothing is known at all."""


@dataclass(frozen=True)
class Models:
    """The models that score a batch; outcome models by target."""

    tiers: TierModel
    recommender: Recommender
    outcomes: Mapping[str, OutcomeModel] = field(default_factory=dict)


class Learner(Protocol):
    """Learns one target from labelled examples, each judged before it is learned."""

    @property
    def name(self) -> str: ...

    def learn_many(
        self, examples: Sequence[tuple[Features, bool | float | str]], marks: Sequence[Mark] | None = None
    ) -> Sequence[bool]:
        """Score each example, then learn it; False if the label is invalid for the target."""

    def forget(self, owners: Collection[int]) -> int:
        """Remove all examples of some owners; return how many there were."""


@runtime_checkable
class StartsLearner(Learner, Protocol):
    """Also learns from the outcomes of started items."""

    def learn_outcomes(
        self, batches: Sequence[ItemOutcomes], marks: Sequence[Mark] | None = None
    ) -> Sequence[bool]:
        """Learn outcomes in order; return whether each could be learned."""
