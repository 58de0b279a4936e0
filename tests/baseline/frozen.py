"""Models that never learn, and whose every answer follows from all that dc90abe would have shown them.

A feature that is off by one bit in one user's row gives another output. What later versions show beside
that, a feature or a field of an occasion that dc90abe did not know, changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import orjson

Find = Callable[[str], Any]
OCCASION_FIELDS = (
    "session_items", "at", "seed", "user", "user_history", "device", "country", "bought",
)  # fmt: skip


class Prediction(NamedTuple):
    """A tier and its probabilities."""

    label: int | str | None
    probabilities: Mapping[int | str, float]


class Contribution(NamedTuple):
    """How far a feature moved a decision."""

    feature: str
    value: float | str | None
    contribution: float


class FeatureNames:
    """The names that count, all where there are none given; `seen` are those that were shown."""

    def __init__(self, known: Iterable[str] | None = None) -> None:
        self._known = frozenset(known) if known is not None else None
        self.seen: set[str] = set()

    def fingerprint(self, features: Mapping[str, Any]) -> int:
        """A number that follows from every feature that counts, in whatever order they come."""
        self.seen.update(features)
        counted = {name: value for name, value in features.items() if self._counts(name)}
        return fingerprint(counted)

    def _counts(self, name: str) -> bool:
        return self._known is None or name in self._known


def fingerprint(*shown: object) -> int:
    """A number that follows from everything shown."""
    return crc32(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS))


class FrozenTiers:
    """Tiers 1, 2 and 3 by a user's uses, so that they change and hysteresis counts."""

    def __init__(self, stamp: Any, names: FeatureNames) -> None:
        self._stamp = stamp
        self._names = names

    def stamp(self) -> Any:
        return self._stamp

    def features_read(self) -> None:
        return None

    def predict_tiers(self, examples: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        return [self._predict(features) for features in examples]

    def explain_tiers(
        self, examples: Sequence[Mapping[str, Any]], _tiers: Sequence[int]
    ) -> list[list[Contribution]]:
        return [[Contribution("all", self._names.fingerprint(features), 1.0)] for features in examples]

    def _predict(self, features: Mapping[str, Any]) -> Prediction:
        tier = 1 + int(features.get("uses", 0)) // 3 % 3
        return Prediction(tier, {known: float(known == tier) for known in (1, 2, 3)})


class FrozenOutcome:
    """A chance that is the fingerprint itself."""

    def __init__(self, stamp: Any, names: FeatureNames) -> None:
        self._stamp = stamp
        self._names = names

    def stamp(self) -> Any:
        return self._stamp

    def predict_chances(self, examples: Sequence[Mapping[str, Any]]) -> list[float]:
        return [self._names.fingerprint(features) / 2**32 for features in examples]

    def clusters_of(self, examples: Sequence[Mapping[str, Any]]) -> list[None]:
        return [None for _ in examples]


class FrozenRecommender:
    """Items of the session's own, that clicks on them be frequent, and the occasion's fingerprint."""

    def __init__(self, stamp: Any, make_item: Callable[[str, float, str], Any]) -> None:
        self._stamp = stamp
        self._make_item = make_item

    def stamp(self) -> Any:
        return self._stamp

    def recommend(self, occasion: Any, count: int) -> list[Any]:
        shown = f"seen-{fingerprint(*(getattr(occasion, name) for name in OCCASION_FIELDS))}"
        items = [*dict.fromkeys([*occasion.session_items[:2], *occasion.user_history[:2], shown])]
        return [self._make_item(item, 1 / rank, "frozen") for rank, item in enumerate(items, 1)][:count]


class FrozenModels:
    """What a replay scores with: learns nothing, stores nothing."""

    def __init__(self, find: Find, names: FeatureNames) -> None:
        stamp = find("ModelStamp")(name="frozen", version=1, examples_seen=1, status="ready")
        outcomes = {name: FrozenOutcome(stamp, names) for name in ("will_return", "churn", "purchase")}
        recommender = FrozenRecommender(stamp, find("RecommendedItem"))
        self.models = find("Models")(FrozenTiers(stamp, names), recommender, outcomes)

    def learn(self, _outputs: Sequence[Any]) -> list[Any]:
        return []

    def forget(self, _user_key: str) -> int:
        return 0

    def unlearn(self, _user_keys: Iterable[str]) -> list[Any]:
        return []

    def refresh(self) -> None:
        return None

    def pop_changed_snapshots(self) -> dict[str, bytes]:
        return {}

    take_changed_snapshots = pop_changed_snapshots  # its name in dc90abe, which runs these models too
