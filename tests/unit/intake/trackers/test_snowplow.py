import base64
from typing import Any

import orjson
import pytest

from stream_app.intake.trackers import read

SHOP = "iglu:com.snowplowanalytics.snowplow.ecommerce"


def read_payload(**parameters: Any) -> dict[str, Any]:
    (event,) = read(orjson.dumps({"duid": "d-1", "dtm": "1772438400084", **parameters}), "snowplow_payload")
    return event


def describe(schema: str, data: Any) -> dict[str, Any]:
    return {"schema": schema, "data": data}


def unstruct(schema: str, data: Any) -> str:
    return orjson.dumps(describe("iglu:a/unstruct_event/jsonschema/1-0-0", describe(schema, data))).decode()


def contexts(*entities: Any) -> str:
    return orjson.dumps(describe("iglu:a/contexts/jsonschema/1-0-0", entities)).decode()


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_both_alphabets_of_base64_are_read(encode: Any) -> None:
    written = encode(unstruct("iglu:com.acme/rated/jsonschema/1-0-0", {"by": "ÿ~?>ø"}).encode()).decode()
    assert set(written) & set("+/-_")
    event = read_payload(e="ue", ue_px=written)
    assert event["event"] == "rated"
    assert event["properties"]["by"] == "ÿ~?>ø"


def test_the_parameter_e_alone_says_what_the_event_is() -> None:
    assert read_payload(e="pv", event="transaction")["type"] == "page"


def test_what_identifies_a_device_for_good_is_not_kept() -> None:
    assert "properties" in (event := read_payload(e="pv", mac="12:34:56:78:9A:BC", fp="2161814971"))
    assert event["properties"] == {}


def test_an_ip_address_is_nowhere_but_in_its_place() -> None:
    event = read_payload(e="pv", ip="203.0.113.9")
    assert event["context"].pop("ip") == "203.0.113.9"
    assert "203.0.113.9" not in str(event)


def test_texts_of_the_context_are_cut_to_what_the_contract_takes() -> None:
    event = read_payload(e="pv", page="t" * 2000, url="https://x/" + "u" * 9000, ua="a" * 5000)
    assert len(event["context"]["page"]["title"]) == 1024
    assert len(event["context"]["page"]["url"]) == 8192
    assert len(event["context"]["userAgent"]) == 4096


def test_ids_are_never_cut() -> None:
    assert read_payload(e="pv", uid="u" * 300)["userId"] == "u" * 300


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("add_to_cart", "Product Added"),
        ("remove_from_cart", "Product Removed"),
        ("product_view", "Product Viewed"),
        ("list_view", "Product List Viewed"),
        ("list_click", "Product Clicked"),
        ("promo_view", "Promotion Viewed"),
        ("promo_click", "Promotion Clicked"),
        ("checkout_step", "Checkout Step Viewed"),
        ("transaction", "Order Completed"),
        ("refund", "Order Refunded"),
        ("trns_error", "Transaction Error"),
    ],
)
def test_every_action_of_the_shop_has_its_name(action: str, name: str) -> None:
    schema = f"{SHOP}/snowplow_ecommerce_action/jsonschema/1-0-2"
    event = read_payload(e="ue", ue_pr=unstruct(schema, {"type": action, "name": "shop the look"}))
    assert event["event"] == name
    assert event["properties"] == {"list_id": "shop the look"}


def test_a_field_named_as_one_of_ours_does_no_harm() -> None:
    schema = f"{SHOP}/snowplow_ecommerce_action/jsonschema/1-0-2"
    event = read_payload(e="ue", ue_pr=unstruct(schema, {"type": "list_view", "name": "a", "list_id": "b"}))
    assert event["properties"] == {"list_id": "a"}


def test_what_the_event_says_goes_before_what_surrounds_it() -> None:
    schema = "iglu:com.acme/installed/jsonschema/1-0-0"
    entity = describe(f"{SHOP}/product/jsonschema/1-0-0", {"id": "sku-1", "version": "from the product"})
    event = read_payload(
        e="ue", p="web", ue_pr=unstruct(schema, {"platform": "mac", "version": "7"}), co=contexts(entity)
    )
    assert event["properties"] == {"platform": "mac", "version": "7", "product_id": "sku-1"}


def test_an_unreadable_entity_spoils_no_other() -> None:
    product = describe(f"{SHOP}/product/jsonschema/1-0-0", {"id": "sku-1"})
    event = read_payload(
        e="pv", co=contexts(7, None, {}, describe("nonsense", {}), describe("iglu:a/b/c/1", 7), product)
    )
    assert event["properties"] == {"product_id": "sku-1"}


def test_a_null_in_one_entity_hides_no_value_of_another() -> None:
    product = describe(f"{SHOP}/product/jsonschema/1-0-0", {"id": "sku-1", "currency": "EUR"})
    cart = describe(f"{SHOP}/cart/jsonschema/1-0-0", {"total_value": 24, "currency": None})
    event = read_payload(e="pv", co=contexts(product, cart))
    assert event["properties"] == {"product_id": "sku-1", "currency": "EUR", "cart_value": 24}


def test_the_cart_schemas_before_the_shop_s_are_known() -> None:
    added = {"sku": "sku-1", "name": "Shoe", "unitPrice": 19.5, "quantity": 2, "currency": "EUR"}
    event = read_payload(
        e="ue", ue_pr=unstruct("iglu:com.snowplowanalytics.snowplow/add_to_cart/jsonschema/1-0-0", added)
    )
    assert event["event"] == "Product Added"
    assert event["properties"] == {
        "product_id": "sku-1",
        "name": "Shoe",
        "price": 19.5,
        "quantity": 2,
        "currency": "EUR",
    }


def test_what_the_tracker_states_goes_before_what_was_found_in_the_user_agent() -> None:
    record = {
        "event": "page_view",
        "collector_tstamp": "2026-03-02T08:00:06.120Z",
        "os_name": "Linux",
        "contexts_nl_basjes_yauaa_context_1": [{"operatingSystemName": "Android", "agentName": "Chrome"}],
    }
    (event,) = read(orjson.dumps(record), "snowplow_enriched")
    assert event["context"]["os"] == {"name": "Linux"}
    assert event["context"]["browser"] == {"name": "Chrome"}


def test_a_record_without_any_time_has_none() -> None:
    (event,) = read(b'{"e": "pv", "duid": "d-1"}', "snowplow_payload")
    assert event == {"type": "page", "anonymousId": "d-1", "properties": {}}
