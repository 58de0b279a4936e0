"""What the API answers, typed. Fields that a newer server adds are passed over."""

from __future__ import annotations

from typing import Any

import msgspec


class Item(msgspec.Struct, frozen=True):
    """A recommended item; `source` is what found it."""

    item_id: str
    score: float
    source: str


class RecommendationList(msgspec.Struct, frozen=True):
    """A list, best first. `request_id` goes with what is told of it."""

    request_id: str
    items: list[Item]
    note: str | None = None


class User(msgspec.Struct, frozen=True):
    """What is known of a user: `tier` and `outlook` are the outputs told last, times are ISO 8601."""

    user_id: str
    user_key: str
    seen_at: str
    tier: dict[str, Any] | None
    is_tier_valid: bool
    outlook: dict[str, Any] | None
    interests: dict[str, dict[str, float]]
    features: dict[str, float | str]
    consent: dict[str, Any]


class Event(msgspec.Struct, frozen=True):
    """An output that was pushed; `id` is where to resume behind."""

    id: int
    schema_name: str
    output: dict[str, Any]
