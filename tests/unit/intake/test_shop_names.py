"""What was bought is known in every form in which senders say it."""

import json
from typing import Any

import pytest

from stream_app.intake.decoding import TimedEvent, decode
from stream_app.intake.properties import item_id, products_of, revenue_of
from stream_app.intake.wire import TrackCall
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

TWO = ["sku-1", "sku-2"]


def read(event: str, properties: Any) -> tuple[TrackCall, tuple[str, ...]]:
    record = {"type": "track", "event": event, "userId": "u", "timestamp": "2026-03-02T08:00:00Z"}
    value = json.dumps({**record, "properties": properties}).encode()
    decoded = decode(value, 1_772_438_460.0, INTAKE.privacy, Rules())
    assert isinstance(decoded, TimedEvent), decoded
    assert isinstance(decoded.event, TrackCall)
    return decoded.event, decoded.dropped


def bought(properties: Any) -> list[str]:
    event, _ = read("Order Completed", properties)
    named = [item_id(product) for product in products_of(event.properties)]
    return [item for item in named if item is not None]


@pytest.mark.parametrize(
    "properties",
    [
        {"products": [{"product_id": "sku-1"}, {"product_id": "sku-2"}]},
        {"products": [{"productId": "sku-1"}, {"ProductID": "sku-2"}]},
        {"products": [{"Product-Id": "sku-1"}, {"product id": "sku-2"}]},
        {"products": [{"sku": "sku-1"}, {"id": "sku-2"}]},
        {"products": [{"SKU": "sku-1", "name": "Shoe"}, {"Item_ID": "sku-2"}]},
        {"products": ["sku-1", "sku-2"]},
        {"products": json.dumps(["sku-1", "sku-2"])},
        {"products": json.dumps([{"id": "sku-1"}, {"sku": "sku-2"}])},
        {"Products": [{"product": {"id": "sku-1"}}, {"product_id": "sku-2"}]},
        {"items": [{"item_id": "sku-1"}, {"item_id": "sku-2"}]},
        {"line_items": [{"sku": "sku-1"}, {"sku": "sku-2"}]},
        {"lineItems": [{"productId": "sku-1"}, {"productId": "sku-2"}]},
        {"product_ids": ["sku-1", "sku-2"]},
        {"productIds": ["sku-1", "sku-2"]},
        {"PRODUCT.IDS": '["sku-1", "sku-2"]'},
        {"skus": ["sku-1", "sku-2"]},
        {"product_id": ["sku-1", "sku-2"]},
        {"products": [], "items": ["sku-1", "sku-2"]},
        {"id": "o-1", "products": [{"sku": "sku-1"}, {"price": 5}, {"sku": "sku-2"}]},
    ],
)
def test_an_order_s_products_are_known(properties: Any) -> None:
    assert bought(properties) == TWO


@pytest.mark.parametrize(
    "properties",
    [
        {"product_id": "sku-1"},
        {"productId": "sku-1"},
        {"Product ID": "sku-1"},
        {"item-id": "sku-1"},
        {"sku": "sku-1", "id": "o-1"},
        {"SKU": "sku-1"},
        {"products": {"product_id": "sku-1"}},
        {"products": {"id": "sku-1"}},
        {"products": '{"sku": "sku-1"}'},
        {"products": "sku-1"},
        {"product": {"id": "sku-1", "category": "shoes"}},
        {"item": "sku-1"},
    ],
)
def test_an_order_of_one_product_is_known_without_a_list(properties: Any) -> None:
    assert bought(properties) == ["sku-1"]


@pytest.mark.parametrize("written", [12, 12.0, "12", "12.0"])
def test_a_number_is_one_item_however_it_is_written(written: Any) -> None:
    assert bought({"products": [{"product_id": written}]}) == ["12"]
    assert bought({"product_id": written}) == ["12"]
    assert bought({"products": [written]}) == ["12"]


@pytest.mark.parametrize(
    "properties",
    [{}, {"id": "o-1", "order_id": "o-1"}, {"products": 5.5}, {"products": "{"}, {"products": [[], None]}],
)
def test_an_order_that_names_nothing_has_no_products(properties: Any) -> None:
    assert bought(properties) == []


def test_a_single_product_keeps_what_the_order_says_of_it() -> None:
    event, _ = read(
        "Order Completed", {"product_id": "sku-1", "category": "shoes", "brand": "Acme", "revenue": 5}
    )
    assert event.properties["products"] == [{"product_id": "sku-1", "category": "shoes", "brand": "Acme"}]


def test_an_order_in_the_contract_s_names_is_left_as_it_is() -> None:
    properties = {"products": [{"product_id": "sku-1", "id": "x"}], "revenue": 5, "items": ["sku-9"]}
    event, dropped = read("Order Completed", properties)
    assert (event.properties, dropped) == (properties, ())


@pytest.mark.parametrize(
    ("fields", "revenue", "dropped"),
    [
        ({"revenue": "€ 1.234,56"}, 1234.56, ()),
        ({"total": "79.90"}, 79.9, ()),
        ({"revenue": "1,234"}, 0.0, ("properties.revenue",)),
        ({"revenue": "1,234", "total": 1234}, 1234.0, ("properties.revenue",)),
        ({"value": "free"}, 0.0, ("properties.value",)),
    ],
)
def test_an_order_s_revenue_in_quotes_is_a_number_if_it_can_only_be_one(
    fields: dict[str, Any], revenue: float, dropped: tuple[str, ...]
) -> None:
    event, found = read("Order Completed", fields)
    assert revenue_of(event.properties) == pytest.approx(revenue)
    assert found == dropped


@pytest.mark.parametrize("name", ["Product Viewed", "Product Added", "Product Clicked", "Product Removed"])
@pytest.mark.parametrize("field", ["productId", "sku", "Product ID", "ITEM_ID"])
def test_an_event_about_one_product_is_known_by_its_id(name: str, field: str) -> None:
    event, _ = read(name, {field: "sku-1", "id": "event-5"})
    assert item_id(event.properties) == "sku-1"


def test_an_event_that_names_nothing_names_nothing() -> None:
    event, _ = read("Product Viewed", {"id": "event-5"})
    assert item_id(event.properties) is None
