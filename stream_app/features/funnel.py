"""How far a user is towards an order: viewed, added to cart, checked out, bought."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import msgspec

MAX_CART_ITEMS = 10


class Stage(IntEnum):
    """The user's last funnel step, by Segment's e-commerce events."""

    NONE = 0
    VIEWED = 1
    CART = 2
    CHECKOUT = 3
    BOUGHT = 4


STAGE_OF: Mapping[str, int] = MappingProxyType(
    {
        "Product Viewed": int(Stage.VIEWED),
        "Product Added": int(Stage.CART),
        "Product Removed": int(Stage.CART),
        "Cart Viewed": int(Stage.CART),
        "Checkout Started": int(Stage.CHECKOUT),
        "Checkout Step Viewed": int(Stage.CHECKOUT),
        "Payment Info Entered": int(Stage.CHECKOUT),
        "Order Completed": int(Stage.BOUGHT),
    }
)


class Funnel(msgspec.Struct, array_like=True):
    """The stage reached, since when (epoch seconds of event time), and the items in the cart."""

    stage: int = 0
    reached_at: float = 0.0
    ordered_at: float = 0.0
    cart: list[str] = []


def note_step(funnel: Funnel, name: str, item: str | None, at: float) -> None:
    """Note one e-commerce event. Steps before the last order belong to that order."""
    stage = STAGE_OF.get(name)
    if stage is None or at < funnel.ordered_at:
        return
    if stage == Stage.BOUGHT:
        funnel.ordered_at = at
        funnel.cart = []
    elif name == "Product Added" and item is not None and item not in funnel.cart:
        funnel.cart.append(item)
        del funnel.cart[:-MAX_CART_ITEMS]
    elif name == "Product Removed" and item in funnel.cart:
        funnel.cart.remove(item)
        if not funnel.cart:
            stage = int(Stage.VIEWED)
    if name == "Product Viewed" and funnel.stage in {Stage.CART, Stage.CHECKOUT}:
        return  # viewing more does not empty the cart
    funnel.stage, funnel.reached_at = stage, max(funnel.reached_at, at)
