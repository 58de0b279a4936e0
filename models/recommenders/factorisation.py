"""Matrix factorisation of implicit feedback with bias terms and side features, learned online.

A user's preference for an item is the logit

    global + user bias + item bias + features' biases + (p + user's features) . (q + item's features),

the biased factors of Koren, Bell & Volinsky (Computer, 2009) with features as in Kula's LightFM (CBRecSys
2015). With clicks as positives and uniformly drawn items as negatives of a logistic loss, logits are, up to a
constant, logarithms of click probabilities (Mikolov et al., NIPS 2013, section 2.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self
from zlib import crc32

import msgspec
import numpy as np

from stream_app.models.recommenders.adaptive_vectors import AdaptiveVectors, AdaptiveVectorsState, Reals, Rows
from stream_app.models.recommenders.bounded_rows import BoundedRows, BoundedRowsState
from stream_app.models.recommenders.types import ScoredItem

ITEM_FEATURES = 2
NO_FEATURE = 0
MOST_LOGIT = 15.0
WEYL_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class FactorisationSettings:
    """Caps, step size, shrinkage and negatives per click.

    Side features share `feature_rows` rows by hash. `spread` is the scale of an unknown item's vector.
    """

    users: int = 50_000
    items: int = 20_000
    feature_rows: int = 1_024
    factors: int = 16
    negatives: int = 6
    step: float = 0.5
    shrinkage: float = 0.02
    spread: float = 0.1


class FactorisationState(msgspec.Struct):
    """Rows by user and item, the number of draws made, and all tables."""

    settings: FactorisationSettings
    users: BoundedRowsState
    items: BoundedRowsState
    draws: int
    global_bias: float
    item_features: bytes
    tables: list[AdaptiveVectorsState]


class Factorisation:
    """Users and items as vectors; beyond a cap, the least recently learned is evicted."""

    name = "factorisation"

    def __init__(self, settings: FactorisationSettings | None = None) -> None:
        self.settings = chosen = settings or FactorisationSettings()
        self.users = BoundedRows(chosen.users)
        self.items = BoundedRows(chosen.items)
        self._draws = 0
        self._global_bias = 0.0
        self._item_features = np.zeros((chosen.items, ITEM_FEATURES), np.int64)
        self._user_table, self._item_table, self._user_feature_table, self._item_feature_table = (
            AdaptiveVectors(size, chosen.factors, chosen.step, chosen.shrinkage)
            for size in (chosen.users, chosen.items, chosen.feature_rows, chosen.feature_rows)
        )

    def learn(
        self,
        user: str,
        items: Sequence[str],
        item_features: Sequence[Sequence[str]] = (),
        user_features: Sequence[str] = (),
    ) -> None:
        """Learn that a user clicked items; each click is contrasted with items drawn from those known so far.

        `item_features` has up to two features for each item; any others are ignored.
        """
        if not items:
            return
        user_row, is_new = self.users.touch(user)
        if is_new:
            self._user_table.reset(user_row)
        clicked = np.array([self._touch_item(item) for item in items], np.int64)
        for row, features in zip(clicked.tolist(), item_features, strict=False):
            known = self._feature_rows(features[:ITEM_FEATURES])
            self._item_features[row] = known + [NO_FEATURE] * (ITEM_FEATURES - len(known))
        drawn = self._draw_items(len(items) * self.settings.negatives)
        drawn = drawn[~np.isin(drawn, clicked)]
        wanted = np.zeros(len(clicked) + len(drawn), np.float32)
        wanted[: len(clicked)] = 1.0
        rows = np.concatenate((clicked, drawn))
        self._climb(user_row, self._feature_rows(user_features), rows, wanted)

    def knows(self, user: str) -> bool:
        """Return whether a user has a vector."""
        return self.users.find(user) is not None

    def affinities(self, user: str, items: Sequence[str], user_features: Sequence[str] = ()) -> Reals | None:
        """Return the personal part of a user's preference for items, the dot products; 0 for unknown items.

        None for an unknown user.
        """
        taste = self._taste_of(user, user_features)
        if taste is None:
            return None
        found = [self.items.find(item) for item in items]
        rows = np.array([0 if row is None else row for row in found], np.int64)
        liking: Reals = self._item_vectors(rows) @ taste
        liking[[row is None for row in found]] = 0.0
        return liking

    def recommend(self, user: str, count: int, user_features: Sequence[str] = ()) -> list[ScoredItem]:
        """Return the `count` items that a user likes best; none for an unknown user.

        Scores are shares of the probability over all items.
        """
        taste = self._taste_of(user, user_features)
        if taste is None:
            return []
        by_feature = self._item_feature_table.vectors @ taste + self._item_feature_table.biases
        liking = self._item_table.vectors[: self.items.used] @ taste
        liking += self._item_table.biases[: self.items.used]
        for features in self._item_features[: self.items.used].T:
            liking += by_feature[features]
        shares = np.exp(liking - liking.max())
        shares /= shares.sum()
        best = shares.argpartition(-count)[-count:] if len(shares) > count else np.arange(len(shares))
        best = best[np.lexsort((best, -shares[best]))]
        pairs = [
            (self.items.keys[row], share)
            for row, share in zip(best.tolist(), shares[best].tolist(), strict=True)
        ]
        return [ScoredItem(item, share, self.name) for item, share in pairs if item is not None]

    def forget(self, user: str) -> bool:
        """Erase a user's vector and return whether there was one; its influence on items' vectors remains."""
        row = self.users.release(user)
        if row is None:
            return False
        self._user_table.reset(row)
        return True

    def to_state(self) -> FactorisationState:
        """Return everything learned; tables are cut to the rows ever used."""
        return FactorisationState(
            settings=self.settings,
            users=self.users.to_state(),
            items=self.items.to_state(),
            draws=self._draws,
            global_bias=self._global_bias,
            item_features=self._item_features[: self.items.used].astype("<i8").tobytes(),
            tables=[table.to_state(rows) for table, rows in self._tables()],
        )

    @classmethod
    def from_state(cls, state: FactorisationState) -> Self:
        """Return a factorisation that answers and learns exactly as the packed one would have."""
        model = cls(state.settings)
        model.users = BoundedRows.from_state(state.users)
        model.items = BoundedRows.from_state(state.items)
        model._draws, model._global_bias = state.draws, state.global_bias
        features = np.frombuffer(state.item_features, "<i8").reshape(-1, ITEM_FEATURES)
        model._item_features[: len(features)] = features
        for (table, _), packed in zip(model._tables(), state.tables, strict=True):
            table.restore(packed)
        return model

    def _climb(self, user_row: int, user_features: list[int], rows: Rows, wanted: Reals) -> None:
        """Take one gradient step on the likelihood of a user's labelled items."""
        taste = self._taste(user_row, user_features)
        features = self._item_features[rows]
        vectors = self._item_vectors(rows)
        biases = self._item_table.biases[rows] + self._item_feature_table.biases[features].sum(axis=1)
        logits = vectors @ taste + biases
        logits += self._global_bias + self._user_table.biases[user_row]
        misses = wanted - 1 / (1 + np.exp(-logits.clip(-MOST_LOGIT, MOST_LOGIT)))

        towards_items, total = (misses @ vectors)[None], misses.sum(keepdims=True)
        self._user_table.climb(np.array([user_row]), towards_items, total)
        for row in user_features:
            self._user_feature_table.climb(np.array([row]), towards_items, total)
        towards_user = misses[:, None] * taste
        self._item_table.climb(rows, towards_user, misses)
        self._item_feature_table.climb(
            features.ravel(), towards_user.repeat(ITEM_FEATURES, axis=0), misses.repeat(ITEM_FEATURES)
        )
        self._item_feature_table.reset(NO_FEATURE)
        self._global_bias += self.settings.step * float(misses.mean())

    def _taste_of(self, user: str, user_features: Sequence[str]) -> Reals | None:
        row = self.users.find(user)
        return None if row is None else self._taste(row, self._feature_rows(user_features))

    def _taste(self, user_row: int, user_features: list[int]) -> Reals:
        taste: Reals = self._user_table.vectors[user_row] + self._user_feature_table.vectors[
            user_features
        ].sum(axis=0)
        return taste

    def _item_vectors(self, rows: Rows) -> Reals:
        by_features = self._item_feature_table.vectors[self._item_features[rows]].sum(axis=1)
        vectors: Reals = self._item_table.vectors[rows] + by_features
        return vectors

    def _touch_item(self, item: str) -> int:
        row, is_new = self.items.touch(item)
        if is_new:
            # An item's initial vector is a function of its name, so there is no generator state to keep.
            seed = int.from_bytes(blake2b(item.encode(), digest_size=8).digest(), "little")
            noise = np.random.default_rng(seed).normal(0.0, self.settings.spread, self.settings.factors)
            self._item_table.reset(row, noise.astype(np.float32))
            self._item_features[row] = NO_FEATURE
        return row

    def _feature_rows(self, features: Sequence[str]) -> list[int]:
        return [1 + crc32(feature.encode()) % (self.settings.feature_rows - 1) for feature in features]

    def _draw_items(self, count: int) -> Rows:
        """Draw item rows uniformly from a counter mixed as in SplitMix64, so that the state is one number."""
        counters = np.arange(self._draws + 1, self._draws + 1 + count, dtype=np.uint64)
        self._draws += count
        mixed = counters * WEYL_STEP
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        return (mixed % np.uint64(self.items.used)).astype(np.int64)

    def _tables(self) -> list[tuple[AdaptiveVectors, int]]:
        """Return each table with the number of its used rows."""
        features = self.settings.feature_rows
        return [
            (self._user_table, self.users.used),
            (self._item_table, self.items.used),
            (self._user_feature_table, features),
            (self._item_feature_table, features),
        ]
