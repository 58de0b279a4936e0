"""Models that never learn, and whose every answer hangs on all that they are shown.

A feature that is off by one bit in one user's row gives another output: so equal outputs tell of equal rows
at each moment that was scored, not at the end alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import orjson

from stream_app.learning.ports import Features, Models, Occasion
from stream_app.schemas.outputs import ModelStamp, RecommendedItem
from stream_app.testing import FixedContribution, FixedPrediction

STAMP = ModelStamp(name="frozen", version=1, examples_seen=1, status="ready")


def fingerprint(*shown: object) -> int:
    """A number that follows from everything shown, the order of names in it left out."""
    return crc32(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS))


@dataclass(frozen=True)
class FrozenTiers:
    """Tiers 1, 2 and 3 by the fingerprint of a user's uses, so that they change and hysteresis counts."""

    def stamp(self) -> ModelStamp:
        return STAMP

    def features_read(self) -> None:
        return None

    def predict_tiers(self, examples: Sequence[Features]) -> list[FixedPrediction]:
        return [self._predict(features) for features in examples]

    def explain_tiers(
        self, examples: Sequence[Features], _tiers: Sequence[int]
    ) -> list[list[FixedContribution]]:
        return [[FixedContribution("all", fingerprint(features), 1.0)] for features in examples]

    def _predict(self, features: Features) -> FixedPrediction:
        tier = 1 + int(features.get("uses", 0)) // 3 % 3
        return FixedPrediction(tier, {known: float(known == tier) for known in (1, 2, 3)})


@dataclass(frozen=True)
class FrozenRecommender:
    """Three items: two of the session's own, that clicks on them be frequent, and a fingerprint."""

    def stamp(self) -> ModelStamp:
        return STAMP

    def recommend(self, occasion: Occasion, count: int) -> list[RecommendedItem]:
        shown = f"seen-{fingerprint(*occasion)}"
        items = [*dict.fromkeys([*occasion.session_items[:2], *occasion.user_history[:2], shown])]
        return [RecommendedItem(item, 1 / rank, "frozen") for rank, item in enumerate(items, 1)][:count]


@dataclass(frozen=True)
class FrozenOutcome:
    """A chance that is the fingerprint itself."""

    def stamp(self) -> ModelStamp:
        return STAMP

    def predict_chances(self, examples: Sequence[Features]) -> list[float]:
        return [fingerprint(features) / 2**32 for features in examples]

    def clusters_of(self, examples: Sequence[Features]) -> list[None]:
        return [None for _ in examples]


FROZEN_MODELS = Models(FrozenTiers(), FrozenRecommender(), {"will_return": FrozenOutcome()})
