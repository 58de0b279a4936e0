"""Shop interactions as events of the contract: data sets only know who, what and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from stream_app.intake.sources.rows import encode, is_missing

NAMES = {"added": "Product Added", "ordered": "Order Completed"}


class Visitor(NamedTuple):
    """The user of an event, as named by the data set."""

    anonymous_id: Any
    user_id: Any = None


class Order(NamedTuple):
    """Further facts of an order; 0 stands for an unknown price or quantity."""

    id: Any = None
    price: float = 0.0
    quantity: int = 0


NO_ORDER = Order()


def shop_event(
    kind: str, at: float, visitor: Visitor, item_id: Any, order: Order = NO_ORDER, category: Any = None
) -> tuple[float, bytes]:
    """An event `viewed`, `added`, `ordered` or of another name, with its time in epoch seconds."""
    properties: dict[str, Any] = {"product_id": str(item_id)}
    for name, value in {"order_id": order.id, "category": category}.items():
        if not is_missing(value):
            properties[name] = str(value)
    numbers = {"price": order.price, "quantity": order.quantity}
    properties |= {name: number for name, number in numbers.items() if number}
    if kind == "ordered" and order.price:
        properties["revenue"] = round(order.price * (order.quantity or 1), 6)
    event: dict[str, Any] = {
        "type": "page" if kind == "viewed" else "track",
        "anonymousId": str(visitor.anonymous_id),
        "timestamp": datetime.fromtimestamp(at, UTC),
        "properties": properties,
    }
    if visitor.user_id is not None:
        event["userId"] = str(visitor.user_id)
    if kind != "viewed":
        event["event"] = NAMES.get(kind, kind)
    return at, encode(event)
