"""What the core asks of the world: rows by user, and models by what they can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.outputs import ModelStamp
from stream_app.core.user_row import UserRow

Features = Mapping[str, float | str]


class UserRows(Protocol):
    """The rows of one partition. The core owns what it is given until the shell writes it back."""

    def get(self, user_key: str) -> UserRow | None:
        """The user's row, or None for a user that is not held."""


class TierPrediction(Protocol):
    """A decision among tiers 1, 2 and 3 (None: cannot say), and the probabilities behind it."""

    @property
    def label(self) -> int | str | None: ...
    @property
    def probabilities(self) -> Mapping[int | str, float]: ...


class TierModel(Protocol):
    """Scores tiers; it does not change while a batch is scored with it."""

    def stamp(self) -> ModelStamp:
        """Name, version and examples seen, for the envelope of what it decides."""

    def predict_tiers(self, examples: Sequence[Features]) -> Sequence[TierPrediction]:
        """One prediction per example, in one call for a whole batch."""


class ScoredItem(Protocol):
    """One recommended item, and the source that it came from."""

    @property
    def item_id(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def source(self) -> str: ...


class Recommender(Protocol):
    """Recommends the next items of a session."""

    def stamp(self) -> ModelStamp:
        """Name, version and sessions learned."""

    def recommend(self, session_items: Sequence[str], count: int) -> Sequence[ScoredItem]:
        """At most `count` items, best first; none where nothing is known at all."""


@dataclass(frozen=True)
class Models:
    """What a batch is scored with."""

    tiers: TierModel
    recommender: Recommender


class Learner(Protocol):
    """Learns one target from labelled examples, each judged before it is learned."""

    @property
    def name(self) -> str: ...

    def learn_many(self, examples: Sequence[tuple[Features, bool | float | str]]) -> Sequence[bool]:
        """Score each example, then learn it; False where the label is none that the target has."""
