"""What single events say, read off their JSON in the plainest way."""

from typing import Any

from properties.features.oracle.every_event import Kept

CART_STEPS = {"Product Added", "Product Removed", "Product Added to Wishlist"}


def item_of(described: dict[str, Any]) -> str | None:
    """The item by the first field that names one."""
    named = [described.get(name) for name in ("product_id", "item_id", "course_id")]
    return next((str(name) for name in named if name not in {None, ""}), None)


def viewed_item(kept: Kept) -> str | None:
    """The item that was looked at; a cart's steps are with one that was looked at before."""
    return None if kept.action in CART_STEPS else item_of(kept.properties)


def page_of(kept: Kept) -> str | None:
    """The page or screen that was viewed."""
    if not kept.is_view:
        return None
    path = kept.context.get("page", {}).get("path") or kept.properties.get("path")
    return path or kept.event.get("name")


def ordered(kept: Kept) -> list[dict[str, Any]]:
    """The products of an order: those listed; where none is named, its own too."""
    listed = list(kept.properties.get("products", ()))
    item = item_of(kept.properties)
    if item is None or any(item_of(product) for product in listed):
        return listed
    told = {name: kept.properties[name] for name in ("category", "brand", "tags") if name in kept.properties}
    return [*listed, {"product_id": item, **told}]


def revenue_of(kept: Kept) -> float:
    """What an order brought."""
    told = [kept.properties.get(name) for name in ("revenue", "total", "value")]
    return next((amount for amount in told if isinstance(amount, float)), 0.0)


def searched(kept: Kept) -> list[str]:
    """The words of a search that led to the event or that it tells of."""
    led: list[str] = kept.context.get("page", {}).get("title", "").split()
    if kept.is_view:
        return led
    told = kept.properties.get("searchQuery" if kept.kind == "session" else "query", "")
    return [*led, *told.split()]


def liked(kept: Kept) -> list[tuple[int, str, float]]:
    """The interests that an event shows: facet, name and weight."""
    found: list[tuple[int, str, float]] = []
    if kept.is_single_use:
        weight = {"Product Added": 3.0, "Product Added to Wishlist": 3.0, "Product Removed": 0.0}
        if kept.action == "Order Completed":
            for product in ordered(kept):
                found += _told_of(product, 5.0)
        else:
            found += _told_of(kept.properties, weight.get(kept.action, 1.0))
        found += [(4, name, 1.0) for name in kept.context.get("campaign", {}).get("name", "").split()]
    if kept.is_use:
        found += [(3, term, 1.0) for term in searched(kept)]
    return [(facet, name, weight) for facet, name, weight in found if weight and 1 <= len(name) <= 64]


def _told_of(described: dict[str, Any], weight: float) -> list[tuple[int, str, float]]:
    tags = [tag for tag in described.get("tags", ()) if isinstance(tag, str)]
    brand = described.get("brand")
    return [
        *((0, name, weight) for name in [described.get("category")] if name is not None),
        *((1, name, weight) for name in [brand] if isinstance(name, str)),
        *((2, tag, weight) for tag in tags),
    ]
