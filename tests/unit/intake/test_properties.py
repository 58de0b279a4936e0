from typing import Any

import pytest

from stream_app.intake import properties
from stream_app.intake.wire import PageCall, TrackCall, decode_event
from stream_app.testing import event, page

HUGE = 10**4_000


@pytest.mark.parametrize(
    ("given", "item"),
    [
        ({"product_id": "a"}, "a"),
        ({"item_id": "b"}, "b"),
        ({"course_id": 17}, "17"),
        ({"product_id": "", "item_id": "b"}, "b"),
        ({"product_id": True}, None),
        ({"product_id": 1.5}, None),
        ({"product_id": None}, None),
        ({"product_id": ["a"]}, None),
        ({"product_id": "x" * 129}, None),
        ({"sku": "a"}, None),
        ({}, None),
    ],
)
def test_an_item_is_named_by_a_short_id(given: dict[str, Any], item: str | None) -> None:
    assert properties.item_id(given) == item


def test_an_id_of_thousands_of_digits_is_none() -> None:
    value = page("u", 0, "x").replace(b'"x"', b"9" * 4_200)
    assert properties.item_id(decode_event(value).properties) is None


@pytest.mark.parametrize(
    ("given", "revenue"),
    [
        ({"revenue": 5}, 5.0),
        ({"revenue": -5.5}, -5.5),
        ({"total": 7.5}, 7.5),
        ({"revenue": "5", "total": 6}, 6.0),
        ({"revenue": True, "value": 3}, 3.0),
        ({"revenue": 1e300}, 0.0),
        ({"revenue": 1e300, "total": 5}, 5.0),
        ({}, 0.0),
    ],
)
def test_revenue_is_the_first_sensible_number(given: dict[str, Any], revenue: float) -> None:
    assert properties.revenue_of(given) == revenue


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, None, "5", [], HUGE])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert properties.number(value) is None


def test_traits_that_can_be_features() -> None:
    told = {
        "age": 30, "vip": True, "plan": "gold", "email": "a@b.c", "notes": "x" * 65, "empty": "",
        "tags": ["a"], "n" * 65: 1, "nothing": None, "contact": "jane@mail.example",
        "mobile": "+49 151 5550199", "address1": "192.0.2.17", "seen_from": "2001:db8::17:1",
        "born": "1999-12-31",
    }  # fmt: skip
    traits = properties.traits_of(decode_event(event("identify", "u", 0, traits=told)).traits)
    assert traits == {"age": 30.0, "vip": 1.0, "plan": "gold"}


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"context": {"page": {"path": "/a", "url": "https://shop.example/b"}}}, "/a"),
        ({"properties": {"path": "/a", "url": "https://shop.example/b"}}, "/a"),
        ({"context": {"page": {"url": "https://shop.example/p/sku-1?q=x#top"}}}, "/p/sku-1"),
        ({"properties": {"url": "https://shop.example/p/sku-1"}}, "/p/sku-1"),
        ({"properties": {"url": "shop.example/p"}}, "/p"),
        ({"properties": {"url": "/p/sku-1?x=1"}}, "/p/sku-1"),
        ({"properties": {"url": "https://shop.example"}}, "/"),
        ({"properties": {"url": "https://shop.example/p"}, "name": "Shoe"}, "/p"),
        ({"properties": {"url": "about:blank"}, "name": "Shoe"}, "Shoe"),
        ({"properties": {"url": 5}, "name": "Shoe"}, "Shoe"),
        ({"properties": {"url": ""}}, None),
        ({"context": {"page": {"url": "https://[::1/p"}}}, None),
    ],
)
def test_a_page_is_its_path_or_that_of_its_url_or_its_name(fields: dict[str, Any], seen: str | None) -> None:
    viewed = decode_event(event("page", "u", 0, **fields))
    assert isinstance(viewed, PageCall)
    assert properties.page_of(viewed) == seen


def test_an_action_on_a_page_is_no_view_of_it() -> None:
    acted = decode_event(event("track", "u", 0, event="x", properties={"url": "https://shop.example/p"}))
    assert isinstance(acted, TrackCall)
    assert properties.page_of(acted) is None


@pytest.mark.parametrize("written", [1001, 1001.0, "1001", "1001.0"])
@pytest.mark.parametrize("name", properties.ORDER_FIELDS)
def test_an_order_is_the_same_however_its_number_is_written(name: str, written: object) -> None:
    assert properties.order_id({name: written}) == "1001"


@pytest.mark.parametrize("written", [None, "", True, 10.5, float("nan"), ["1001"], {"id": 1}])
def test_what_is_no_order_id_is_none(written: object) -> None:
    assert properties.order_id({"order_id": written}) is None
