"""The snippets of Amplitude, Mixpanel, Matomo, Jitsu and Google Analytics, run with their SDKs."""

from pathlib import Path
from typing import Any

import pytest
from sdk.arrivals import Sending, assert_fits_contract
from sdk.snippets import SNIPPETS, bundle, run_on_server, visit, wait_until

JOURNEY = ["page", "Product Viewed", "identify", "Product Added", "Order Completed"]
WITHOUT_IDENTIFY = ["page", "Product Viewed", "Product Added", "Order Completed"]
ON_SERVERS = {
    "amplitude-node.mjs": JOURNEY,
    "amplitude-python.py": JOURNEY,
    "google-analytics-python.py": WITHOUT_IDENTIFY,
    "jitsu-node.mjs": JOURNEY,
    "matomo-node.mjs": WITHOUT_IDENTIFY,
    "mixpanel-node.mjs": JOURNEY,
    "mixpanel-python.py": JOURNEY,
}
# A browser's SDK sends more than it is asked to: the start of a session, where a visit came from.
IN_PAGES = ("amplitude-browser.js", "mixpanel-browser.js")
TRAITS = {"email": "pat@example.org", "plan": "plus", "age": 34}
BOUGHT = [("sku-1", 79.4, 2), ("sku-2", 1, 1)]
ANONYMOUS = {"matomo-node.mjs": "00000000000000a7"}
WITHOUT_USER = {"google-analytics-python.py"}


def label(event: dict[str, Any]) -> str:
    """What an event is called in the lists above."""
    return str(event["event"] if event["type"] == "track" else event["type"])


def happened(event: dict[str, Any]) -> str:
    """The event's time, to sort by."""
    return str(event.get("originalTimestamp") or event.get("timestamp"))


def assert_journey(events: list[dict[str, Any]]) -> None:
    """That what was called arrived whole."""
    by_name = {label(event): event for event in events}
    for event in events:
        assert_fits_contract(event)
    assert len({event["messageId"] for event in events}) == len(events)
    assert "/p/sku-1" in by_name["page"]["context"]["page"]["url"]
    viewed, added = by_name["Product Viewed"]["properties"], by_name["Product Added"]["properties"]
    assert (viewed["product_id"], viewed["price"]) == ("sku-1", 79.9)
    assert (added["product_id"], added.get("quantity", added.get("value"))) == ("sku-1", 2)
    order = by_name["Order Completed"]["properties"]
    assert (order["order_id"], order["revenue"]) == ("o-1", 159.8)
    assert [(line["product_id"], line["price"], line["quantity"]) for line in order["products"]] == BOUGHT
    given = [event["traits"] for event in events if event["type"] == "identify"]
    known = {name: value for traits in given for name, value in traits.items()}
    assert not given or known.items() >= TRAITS.items()


@pytest.mark.parametrize("name", sorted(ON_SERVERS))
def test_what_a_server_called_arrives(name: str, shop_sending: Sending, tmp_path: Path) -> None:
    run_on_server(SNIPPETS / name, shop_sending.recorder.address, shop_sending.key, tmp_path)
    events = shop_sending.events()
    assert [label(event) for event in events] == ON_SERVERS[name]
    assert_journey(events)
    assert {event["anonymousId"] for event in events[:2]} == {ANONYMOUS.get(name, "anon-17")}
    user = "anon-17" if name in WITHOUT_USER else "u-17"
    assert name in WITHOUT_USER or {event.get("userId") for event in events[2:]} == {user}
    assert shop_sending.outputs("failed_event") == []
    row = shop_sending.rows()[user]
    assert row.bought_items == ["sku-1", "sku-2"]
    assert row.orders.mean == pytest.approx(159.8)


@pytest.mark.parametrize("name", IN_PAGES)
def test_what_a_page_called_arrives(name: str, shop_sending: Sending, tmp_path: Path) -> None:
    bundle(SNIPPETS / name, shop_sending.recorder.address, shop_sending.key, tmp_path)
    is_profile_apart = name.startswith("mixpanel")
    with visit(shop_sending.site) as visiting:
        wait_until(
            lambda: len(shop_sending.recorder.of_events()) > is_profile_apart,
            lambda: (visiting.said, shop_sending.recorder.exchanges),
        )
        visiting.leave()
    shop_sending.assert_all_taken()
    events = sorted(shop_sending.events(), key=happened)
    called = [event for event in events if label(event) in JOURNEY]
    assert {label(event) for event in called} == set(JOURNEY)
    assert_journey(called)
    assert "Chrome/" in called[0]["context"]["userAgent"]
    assert called[-1]["userId"] == "u-17"
    assert shop_sending.outputs("failed_event") == []
    row = shop_sending.rows()["u-17"]
    assert row.bought_items == ["sku-1", "sku-2"]
    assert (row.traits["plan"], row.traits["age"]) == ("plus", 34.0)
