from typing import Any

import msgspec
import pytest

from stream_app.intake.trackers import read


def interact(event: str, **fields: Any) -> dict[str, Any]:
    record = {"user_id": "u-1", "item_id": "sku-1", "event": event, "ts": 1772438400, **fields}
    (found,) = read(msgspec.json.encode(record), "flat")
    return found


@pytest.mark.parametrize("event", ["page", "view", "pageview", "page_view", "VIEW", "item_view"])
def test_views_are_pages(event: str) -> None:
    found = interact(event)
    assert found["type"] == "page"
    assert found["properties"] == {"product_id": "sku-1"}


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("cart", "Product Added"),
        ("add-to-cart", "Product Added"),
        ("removeFromCart", "Product Removed"),
        ("add_to_wishlist", "Product Added to Wishlist"),
        ("purchase", "Order Completed"),
        ("buy", "Order Completed"),
        ("refund", "Order Refunded"),
        ("Watched Trailer", "Watched Trailer"),
    ],
)
def test_steps_of_a_shop_have_segment_s_names(event: str, name: str) -> None:
    found = interact(event)
    assert (found["type"], found["event"]) == ("track", name)


@pytest.mark.parametrize(
    ("fields", "revenue"),
    [
        ({"price": 5}, 5),
        ({"price": 5, "quantity": 3}, 15),
        ({"price": 5, "quantity": None, "revenue": None}, 5),
        ({"price": 5, "quantity": 0}, 0),
        ({"price": "0.1", "quantity": "3"}, 0.3),
        ({"price": 5, "revenue": 7}, 7),
        ({"price": 5, "total": 7}, None),
        ({"price": "dear"}, None),
        ({"price": 1e308, "quantity": 1000}, None),
        ({"price": 1.5, "quantity": 10**400}, 1.5),
        ({}, None),
    ],
)
def test_an_order_s_revenue(fields: dict[str, Any], revenue: float | None) -> None:
    assert interact("purchase", **fields)["properties"].get("revenue") == revenue


@pytest.mark.parametrize(
    "fields", [{"product_id": "sku-2"}, {"revenue": None}, {"type": "", "properties": {}}]
)
def test_columns_named_as_our_own_fields_do_no_harm(fields: dict[str, Any]) -> None:
    found = interact("purchase", **fields)
    assert found["type"] == "track"
    assert found["properties"] == {"product_id": "sku-1", **({"properties": {}} if "type" in fields else {})}


def test_only_orders_have_revenue() -> None:
    assert "revenue" not in interact("cart", price=5)["properties"]


def test_an_ip_address_is_nowhere_but_in_its_place() -> None:
    found = interact("view", ip="203.0.113.9", ip_address="203.0.113.9")
    assert found["context"].pop("ip") == "203.0.113.9"
    assert "203.0.113.9" not in str(found)
