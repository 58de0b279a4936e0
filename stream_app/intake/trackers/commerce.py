"""Shop events with the names of Segment's e-commerce specification (version 2)."""

from __future__ import annotations

import re
from typing import Any

from stream_app.intake.trackers.field_values import number

# By action name in lower case without separators.
EVENT_NAMES: dict[str, str] = {
    "addtocart": "Product Added",
    "addtobasket": "Product Added",
    "removefromcart": "Product Removed",
    "removefrombasket": "Product Removed",
    "addtowishlist": "Product Added to Wishlist",
    "productview": "Product Viewed",
    "listview": "Product List Viewed",
    "listclick": "Product Clicked",
    "promoview": "Promotion Viewed",
    "promoclick": "Promotion Clicked",
    "checkoutstep": "Checkout Step Viewed",
    "transaction": "Order Completed",
    "purchase": "Order Completed",
    "refund": "Order Refunded",
    "trnserror": "Transaction Error",
    "sitesearch": "Products Searched",
    "search": "Products Searched",
    "pageping": "Page Ping",
    "viewitem": "Product Viewed",
    "viewitemlist": "Product List Viewed",
    "selectitem": "Product Clicked",
    "viewpromotion": "Promotion Viewed",
    "selectpromotion": "Promotion Clicked",
    "viewcart": "Cart Viewed",
    "begincheckout": "Checkout Started",
    "addpaymentinfo": "Payment Info Entered",
    "viewsearchresults": "Products Searched",
}
NOT_IN_WORDS = re.compile(r"[\W_]+")


def event_name(action: str) -> str:
    """Segment's name of an action; its own name if Segment has none."""
    return EVENT_NAMES.get(NOT_IN_WORDS.sub("", action.lower()), action)


def order_revenue(properties: dict[str, Any]) -> float | int | None:
    """The revenue of an order that does not state it, from `price` and `quantity` (1 if missing)."""
    if any(properties.get(name) is not None for name in ("revenue", "total", "value")):
        return None
    price, quantity = number(properties.get("price")), number(properties.get("quantity"))
    return None if price is None else number(round(price * (1 if quantity is None else quantity), 6))


def shop_properties(name: str | None, properties: dict[str, Any]) -> dict[str, Any]:
    """Properties of a shop's event; a single product is described in the properties themselves."""
    products = properties.get("products")
    if name == "Order Completed" or not isinstance(products, list) or len(products) != 1:
        return properties
    return {**products[0], **properties} if isinstance(products[0], dict) else properties
