"""What an event's free properties say, read with care: any of them may be missing or of any type."""

from __future__ import annotations

from math import isfinite
from typing import Any

from schemas.events import Event, IdentifyEvent, PageEvent, ScreenEvent, TrackEvent
from stream_app.core.user_row import MAX_TRAIT_LENGTH

# Who somebody is, not what they do: of no use to a model, and not to be kept in rows or examples.
PERSONAL_TRAITS = frozenset(
    {"email", "phone", "name", "firstName", "lastName", "username", "address", "avatar", "birthday"}
)
ITEM_FIELDS = ("product_id", "item_id", "course_id")
MAX_ITEM_LENGTH = 128
PURCHASE = "Order Completed"
MAX_REVENUE = 1e12  # sums of what is more would not stay finite; no order is worth it
# Steps with an item that was viewed before: counting them again would double the item in its session.
CART_EVENTS = frozenset({"Product Added", "Product Removed", "Product Added to Wishlist"})


def number(value: Any) -> float | None:
    """The value as a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if isfinite(as_float) else None


def item_of(event: Event) -> str | None:
    """The one catalogue item that an event shows interest in: viewed, clicked, opened, taken."""
    if not isinstance(event, PageEvent | ScreenEvent | TrackEvent):
        return None
    if isinstance(event, TrackEvent) and event.event in CART_EVENTS:
        return None
    for name in ITEM_FIELDS:
        value = event.properties.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and 0 < len(value) <= MAX_ITEM_LENGTH:
            return value
    return None


def revenue_of(event: Event) -> float:
    """The revenue of a completed order, in its own currency; 0 for all else."""
    if not isinstance(event, TrackEvent) or event.event != PURCHASE:
        return 0.0
    for name in ("revenue", "total", "value"):
        revenue = number(event.properties.get(name))
        if revenue is not None and abs(revenue) <= MAX_REVENUE:
            return revenue
    return 0.0


def traits_of(event: IdentifyEvent) -> dict[str, float | str]:
    """Traits that can be features: numbers, booleans as 0 and 1, and short texts."""
    traits: dict[str, float | str] = {}
    for name, value in event.traits.items():
        if name in PERSONAL_TRAITS or len(name) > MAX_TRAIT_LENGTH:
            continue
        if isinstance(value, bool):
            traits[name] = float(value)
        elif isinstance(value, str):
            if 0 < len(value) <= MAX_TRAIT_LENGTH:
                traits[name] = value
        elif (as_number := number(value)) is not None:
            traits[name] = as_number
    return traits
