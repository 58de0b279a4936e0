"""Catalogue entries as features for models."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.outputs import ItemOutcomes

MAX_TAGS = 8
MAX_ATTRIBUTES = 24
MAX_TEXT = 64
LIMIT = 100_000

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(dict[str, dict[str, float | str]])


class CatalogueFeatures:
    """Features of at most `limit` items; the least recently updated is evicted first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._features: dict[str, dict[str, float | str]] = {}

    def put(self, item: CatalogueItem) -> None:
        """Store an item's catalogue entry, replacing any earlier one."""
        self._features.pop(item.item_id, None)
        if len(self._features) >= self._limit:
            del self._features[next(iter(self._features))]
        self._features[item.item_id] = features_of(item)

    def get(self, item: str) -> Mapping[str, float | str]:
        """The features of an item; none if it is unknown."""
        return self._features.get(item, {})

    def complete(self, outcomes: ItemOutcomes) -> ItemOutcomes:
        """Add the current catalogue features to outcomes, so that every reader learns the same."""
        described = [
            outcome.model_copy(update={"features": dict(self.get(outcome.item_id))})
            for outcome in outcomes.outcomes
        ]
        return outcomes.model_copy(update={"outcomes": described})

    def to_state(self) -> bytes:
        """All features, in JSON."""
        return _encode(self._features)

    def restore_state(self, state: bytes) -> None:
        """Restore what `to_state` returned.

        Raises:
            msgspec.MsgspecError: it is not such a state.
        """
        self._features = _decoder.decode(state)


def features_of(item: CatalogueItem) -> dict[str, float | str]:
    """The item's attributes by name, with its kind, category, brand, price and tags.

    Long text and addresses are left out, because they only distinguish one item from all others.
    """
    said: dict[str, float | str | None] = {
        "kind": item.kind,
        "category": item.category,
        "brand": item.brand,
        "price": item.price,
    }
    said |= {f"tag_{tag}": "yes" for tag in item.tags[:MAX_TAGS]}
    for name in list(item.attributes)[:MAX_ATTRIBUTES]:
        said.setdefault(name, item.attributes[name])
    return {name: value for name, value in said.items() if value is not None and not _is_unlike_others(value)}


def _is_unlike_others(value: float | str) -> bool:
    return isinstance(value, str) and (len(value) > MAX_TEXT or "://" in value)
