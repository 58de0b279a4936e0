"""Reads an event's free properties defensively: any of them may be missing or of any type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

from stream_app.intake.cleaning.urls import split_url
from stream_app.intake.personal_text import is_personal
from stream_app.intake.wire import PageCall, ScreenCall, TrackCall

# Who a user is, not what they do: useless to a model, and not kept in rows or examples.
PERSONAL_TRAITS = frozenset(
    {"email", "phone", "name", "firstName", "lastName", "username", "address", "avatar", "birthday"}
)
# In a trait, a long number may be a phone number, and anything with an @ an account.
_PERSONAL_TRAIT = re.compile(r"@|^\+?[\d\s()./-]{7,}$")
ITEM_FIELDS = ("product_id", "item_id", "course_id")
ORDER_FIELDS = ("order_id", "orderId", "checkout_id", "transaction_id")
MAX_ITEM_LENGTH = 128
MAX_EXACT = 2**53  # integers that a float represents exactly
MAX_TRAIT_LENGTH = 64
MAX_PRODUCTS = 50
MAX_TAGS = 16
PURCHASE = "Order Completed"
ORDER_LINE = "Transaction Item"  # one product of an order that is told apart from it
SEARCH_FIELDS = ("query", "search_query", "search", "q")
MAX_REVENUE = 1e12  # larger values could make sums infinite, and no order is worth that much
# Steps with an item that was viewed before: counting them would double the item in its session.
CART_EVENTS = frozenset({"Product Added", "Product Removed", "Product Added to Wishlist"})
# Actions of the company's servers towards a user show no engagement.
PASSIVE_EVENTS = frozenset(
    {
        "Notification Sent",
        "Notification Delivered",
        "Email Sent",
        "Email Delivered",
        "Email Bounced",
        "Push Notification Sent",
        "Push Notification Received",
        "Push Notification Bounced",
        "SMS Sent",
        "SMS Delivered",
        "Order Refunded",
        "Order Fulfilled",
        "Order Cancelled",
    }
)
# How much an action says about the user's interests, relative to one view.
INTEREST_WEIGHTS: Mapping[str, float] = {
    "Product Added": 3.0,
    "Product Added to Wishlist": 3.0,
    PURCHASE: 5.0,
}


def number(value: Any) -> float | None:
    """The value as a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if isfinite(as_float) else None


def item_id(properties: Mapping[str, Any]) -> str | None:
    """The catalogue item in the properties."""
    for name in ITEM_FIELDS:
        value = properties.get(name)
        if value is None:
            continue
        item = plain_id(value)
        if item is not None:
            return item
    return None


def order_id(properties: Mapping[str, Any]) -> str | None:
    """The id of the order in the properties, as a string of bounded length; `12.0` is the order `12`."""
    for name in ORDER_FIELDS:
        text = _id_text(properties.get(name))
        if text:
            return text[:MAX_ITEM_LENGTH]
    return None


def plain_id(value: Any) -> str | None:
    """A value as an item's id: `12` and `12.0`, as numbers or text, are the same item."""
    text = _id_text(value)
    return text if text and len(text) <= MAX_ITEM_LENGTH and not is_personal(text) else None


def _id_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value[:-2] if value.endswith(".0") and value[:-2].isdecimal() else value
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT:
        return str(int(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def products_of(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The products of an order or a cart that are objects."""
    products = properties.get("products")
    if isinstance(products, list):
        for product in products[:MAX_PRODUCTS]:
            if isinstance(product, dict):
                yield product


def revenue_of(properties: Mapping[str, Any]) -> float:
    """The revenue of a completed order, in its own currency; 0 if not given."""
    for name in ("revenue", "total", "value"):
        revenue = number(properties.get(name))
        if revenue is not None and abs(revenue) <= MAX_REVENUE:
            return revenue
    return 0.0


def tags_of(properties: Mapping[str, Any]) -> list[str]:
    """The strings among an item's tags."""
    tags = properties.get("tags")
    return [tag for tag in tags[:MAX_TAGS] if isinstance(tag, str)] if isinstance(tags, list) else []


def search_of(properties: Mapping[str, Any]) -> str | None:
    """What was searched for."""
    for name in SEARCH_FIELDS:
        value = properties.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def page_of(event: PageCall | ScreenCall | TrackCall) -> str | None:
    """The page or screen viewed: its path, else the path of its URL, else its name."""
    page = event.context.page if event.context is not None else None
    if page is not None and page.path:
        return page.path
    path = event.properties.get("path")
    if isinstance(path, str) and path:
        return path
    if isinstance(event, TrackCall):
        return None
    for url in (page.url if page is not None else None, event.properties.get("url")):
        if isinstance(url, str) and url and (found := path_of_url(url)):
            return found
    return event.name


@lru_cache(maxsize=4096)
def path_of_url(url: str) -> str:
    """The path of a URL, `/` for a home page; empty if the text is not a URL."""
    parts = split_url(url)
    return (parts.path or "/") if parts.host else parts.path if parts.path.startswith("/") else ""


def traits_of(traits: Mapping[str, Any]) -> dict[str, float | str]:
    """Traits that can be features: numbers, booleans as 0 and 1, and short text without personal data."""
    kept: dict[str, float | str] = {}
    for name, value in traits.items():
        if name in PERSONAL_TRAITS or len(name) > MAX_TRAIT_LENGTH or is_personal(name):
            continue
        if isinstance(value, bool):
            kept[name] = float(value)
        elif isinstance(value, str):
            is_short = 0 < len(value) <= MAX_TRAIT_LENGTH
            if is_short and not (_PERSONAL_TRAIT.search(value) or is_personal(value)):
                kept[name] = value
        elif (as_number := number(value)) is not None:
            kept[name] = as_number
    return kept
