"""What happened in a shop, as an event of the contract: data sets know no more than who, what and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stream_app.intake.sources.rows import encode, is_missing

NAMES = {"added": "Product Added", "ordered": "Order Completed"}


def shop_event(  # noqa: PLR0913
    kind: str,
    *,
    at: float,
    anonymous_id: Any,
    item_id: Any,
    user_id: Any = None,
    order_id: Any = None,
    price: float | None = None,
    quantity: int | None = None,
    category: Any = None,
) -> tuple[float, bytes]:
    """An event `viewed`, `added`, `ordered` or of another name, with its time in epoch seconds."""
    properties: dict[str, Any] = {"product_id": str(item_id)}
    for name, value in {"order_id": order_id, "category": category}.items():
        if not is_missing(value):
            properties[name] = str(value)
    # 0 stands for what is not known.
    properties |= {name: number for name, number in {"price": price, "quantity": quantity}.items() if number}
    if kind == "ordered" and price:
        properties["revenue"] = round(price * (quantity or 1), 6)
    event: dict[str, Any] = {
        "type": "page" if kind == "viewed" else "track",
        "anonymousId": str(anonymous_id),
        "timestamp": datetime.fromtimestamp(at, UTC),
        "properties": properties,
    }
    if user_id is not None:
        event["userId"] = str(user_id)
    if kind != "viewed":
        event["event"] = NAMES.get(kind, kind)
    return at, encode(event)
