"""The purchase funnel and the cart by the oracle."""

from typing import NamedTuple

from properties.features.oracle.every_event import History
from properties.features.oracle.facts import item_of

from stream_app.features.funnel import MAX_CART_ITEMS

VIEWED, CART, CHECKOUT, BOUGHT = 1, 2, 3, 4
STAGES = {
    "Product Viewed": VIEWED,
    "Product Added": CART,
    "Product Removed": CART,
    "Cart Viewed": CART,
    "Checkout Started": CHECKOUT,
    "Payment Info Entered": CHECKOUT,
    "Order Completed": BOUGHT,
}


class Progress(NamedTuple):
    """The stage, the newest step that counts, the newest order, and what lies in the cart."""

    stage: int
    reached_at: float
    ordered_at: float
    cart: list[str]


def progress_of(history: History) -> Progress:
    """Follow the steps in order of arrival; those from before the newest order are over."""
    steps = [kept for kept in history.single_uses if kept.action in STAGES]
    orders = [place for place, step in enumerate(steps) if step.action == "Order Completed"]
    current = [
        step
        for place, step in enumerate(steps)
        if step.at >= max((steps[order].at for order in orders if order <= place), default=0.0)
    ]
    stage, counted, cart = 0, [0.0], list[str]()
    for step in current:
        item, is_emptied = item_of(step.properties), False
        if step.action == "Order Completed":
            cart = []
        elif step.action == "Product Added" and item is not None:
            cart = cart if item in cart else [*cart, item][-MAX_CART_ITEMS:]
        elif step.action == "Product Removed" and item in cart:
            cart = [other for other in cart if other != item]
            is_emptied = not cart
        if step.action == "Product Viewed" and stage in {CART, CHECKOUT}:
            continue  # still on the way to an order
        stage = VIEWED if is_emptied else STAGES[step.action]
        counted.append(step.at)
    return Progress(stage, max(counted), max((steps[order].at for order in orders), default=0.0), cart)
