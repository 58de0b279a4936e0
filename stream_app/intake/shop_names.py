"""Normalises the products of a shop's event to the contract's names, whatever the sender calls them.

`product_id`, `productId`, `Product ID`, `sku`, ids in a list, one object, JSON as text: senders differ, and a
purchase that is not recognised would be recommended again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stream_app.intake.properties import MAX_PRODUCTS, PURCHASE, item_id, plain_id
from stream_app.intake.trackers.json_records import Unreadable, parse_json
from stream_app.intake.wire import TrackCall
from stream_app.intake.written_numbers import read_number

ABOUT_ONE_PRODUCT = "Product "  # prefixes of these events' names
REVENUE_FIELDS = ("revenue", "total", "value")
MAX_NAMES = 64  # most fields of an object that are examined
_NOT_IN_WORDS = re.compile(r"[\W_]+")
# Squashed names, most reliable first. An order's own `id` is the order's, a product's is the product's.
_OF_A_PRODUCT = (
    *(
        "productid",
        "itemid",
        "courseid",
        "contentid",
        "sku",
        "productsku",
        "itemsku",
        "articleid",
    ),
    *("id", "product", "item"),
)
_OF_AN_EVENT = _OF_A_PRODUCT[:-3]
_LISTS = (
    *(
        "products",
        "items",
        "lineitems",
        "productids",
        "itemids",
        "courseids",
        "skus",
        "contents",
        "contentids",
    ),
    *("product", "item", "basket", "cart"),
)


def settle(event: TrackCall) -> list[str]:
    """Rename the products of a shop's event to the contract's names.

    Returns:
        the removed fields: text that is not a number, or is ambiguous.
    """
    if event.event == PURCHASE:
        return _settle_purchase(event.properties)
    if event.event.startswith(ABOUT_ONE_PRODUCT) and item_id(event.properties) is None:
        item = _named(_squashed(event.properties), _OF_AN_EVENT)
        if item is not None:
            event.properties["product_id"] = item
    return []


def _settle_purchase(properties: dict[str, Any]) -> list[str]:
    dropped = []
    for name in REVENUE_FIELDS:
        written = properties.get(name)
        if isinstance(written, str):
            value = read_number(written)
            if value is None:
                del properties[name]
                dropped.append(f"properties.{name}")
            else:
                properties[name] = value
    products = _products(properties)
    if products:
        properties["products"] = products[:MAX_PRODUCTS]
    return dropped


def _products(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The products of an order, if any: from the first list that names one, else from the order itself.

    Entries without an id are kept, because their category and brand count as interests too.
    """
    given = properties.get("products")
    if isinstance(given, list) and given and all(map(_is_named, given)):
        return given
    squashed = _squashed(properties)
    unnamed: list[dict[str, Any]] = []
    for name in _LISTS:
        found = [product for product in map(_product, _members(squashed.get(name))) if product is not None]
        if any(map(_is_named, found)):
            return found
        unnamed = unnamed or (found if name == "products" else [])
    ids = next((squashed[name] for name in _OF_AN_EVENT if squashed.get(name) is not None), None)
    items = [item for member in _members(ids) if (item := plain_id(member)) is not None]
    single = {name: properties[name] for name in ("category", "brand", "tags") if name in properties}
    named = [{"product_id": item, **(single if len(items) == 1 else {})} for item in items]
    return [*unnamed, *named] if named else []


def _is_named(product: object) -> bool:
    return isinstance(product, dict) and item_id(product) is not None


def _members(value: Any) -> list[Any]:
    """The members of a list, of a list in JSON, or of a single value."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        try:
            value = parse_json(value)
        except Unreadable:
            return []
    if isinstance(value, list):
        return value[:MAX_PRODUCTS]
    return [] if value is None else [value]


def _product(member: Any) -> dict[str, Any] | None:
    if not isinstance(member, dict):
        item = plain_id(member)
        return None if item is None else {"product_id": item}
    if _is_named(member):
        return member
    item = _named(_squashed(member), _OF_A_PRODUCT)
    return member if item is None else {**member, "product_id": item}


def _named(squashed: Mapping[str, Any], names: Iterable[str]) -> str | None:
    for name in names:
        value = squashed.get(name)
        if isinstance(value, dict):
            value = _named(_squashed(value), _OF_A_PRODUCT[:-2])
        item = plain_id(value)
        if item is not None:
            return item
    return None


def _squashed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by name in lower case without separators; of two with the same name the first counts."""
    squashed: dict[str, Any] = {}
    for name, value in list(fields.items())[:MAX_NAMES]:
        squashed.setdefault(_NOT_IN_WORDS.sub("", name.lower()), value)
    return squashed
