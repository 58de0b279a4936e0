"""Each snippet of the documentation, run with its SDK: what was called is what arrived."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sdk.arrivals import Sending, assert_fits_contract
from sdk.snippets import PAGE, SNIPPETS, bundle, run_on_server, visit, wait_until

TRAITS = {"email": "pat@example.org", "plan": "plus", "age": 34}
CALLS = ["page", "Product Viewed", "identify", "Product Added", "Order Completed"]
WITHOUT_IDENTIFY = ["page", "Product Viewed", "Product Added", "Order Completed"]
BEFORE = {"page", "Product Viewed"}  # what happens before the user is known
WITH_ALIAS = ["page", "Product Viewed", "identify", "alias", "Product Added", "Order Completed"]
ON_SERVERS = {
    "posthog-node.mjs": WITH_ALIAS,
    "posthog-python.py": WITH_ALIAS,
    "rudderstack-node.mjs": CALLS,
    "rudderstack-python.py": CALLS,
    "segment-node.mjs": CALLS,
    "segment-python.py": CALLS,
    "snowplow-node.mjs": WITHOUT_IDENTIFY,
}
IN_PAGES = {
    "posthog-browser.js": [*CALLS, "Page Left"],
    "rudderstack-browser.js": CALLS,
    "segment-browser.js": CALLS,
    "snowplow-browser.js": WITHOUT_IDENTIFY,
}
# analytics-next gives what was called before `identify` in the same breath to the user all the same, and
# posthog-js sends a page's view after all that the page calls at once.
STAMPED_LATE = {"segment-browser.js": {"page", "Product Viewed"}, "posthog-browser.js": {"page"}}
MAKE_SESSIONS = {"posthog-browser.js", "rudderstack-browser.js", "snowplow-browser.js"}
ORDER = {"order_id": "o-1", "revenue": 159.8, "currency": "EUR"}


def label(event: dict[str, Any]) -> str:
    """What an event is called in the lists above."""
    return str(event["event"] if event["type"] == "track" else event["type"])


def told(event: dict[str, Any], *names: str) -> Any:
    """A value within an event; None where nothing is told."""
    for name in names:
        event = event.get(name) or {}
    return event or None


@pytest.mark.parametrize("name", sorted(ON_SERVERS))
def test_what_a_server_called_arrives(name: str, shop_sending: Sending, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    run_on_server(SNIPPETS / name, shop_sending.recorder.address, shop_sending.key, tmp_path)
    events = shop_sending.events()
    assert [label(event) for event in events] == ON_SERVERS[name]
    assert {event.get("anonymousId") for event in events[:2]} == {"anon-17"}
    assert_whole(events, began, BEFORE)
    assert_user_known(shop_sending, is_linked="snowplow" not in name)


@pytest.mark.parametrize("name", sorted(IN_PAGES))
def test_what_a_page_called_arrives(name: str, shop_sending: Sending, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    bundle(SNIPPETS / name, shop_sending.recorder.address, shop_sending.key, tmp_path)
    with visit(shop_sending.site) as visiting:
        wait_until(
            lambda: b"Order Completed" in shop_sending.sent() or b"transaction_id" in shop_sending.sent(),
            lambda: (visiting.said, shop_sending.recorder.exchanges),
        )
        visiting.leave()
    events = shop_sending.events()
    # Calls may be requests of their own, which overtake each other.
    assert sorted(label(event) for event in events) == sorted(IN_PAGES[name])
    assert told(events[0], "context", "page", "url") == f"{shop_sending.site}{PAGE}"
    assert told(events[0], "context", "locale") == "de-DE"
    assert "Chrome/" in events[0]["context"]["userAgent"]
    if name in MAKE_SESSIONS:
        assert len({event["context"]["sessionId"] for event in events}) == 1
    assert_whole(events, began, BEFORE - STAMPED_LATE.get(name, set()))
    assert_user_known(shop_sending, is_linked="snowplow" not in name)


def assert_whole(events: list[dict[str, Any]], began: datetime, anonymous: set[str]) -> None:
    """That every field of the journey arrived, whoever sent it."""
    by_name = {label(event): event for event in events}
    for event in events:
        assert_fits_contract(event)
        happened = datetime.fromisoformat(event["originalTimestamp"])
        assert began - timedelta(seconds=1) <= happened <= datetime.now(UTC) + timedelta(seconds=1)
        assert happened <= datetime.fromisoformat(event["sentAt"])
    assert len({event["messageId"] for event in events}) == len(events)
    for event in events:
        is_anonymous = label(event) in anonymous
        assert (event.get("userId") or "") == ("" if is_anonymous else "u-17")
        assert event.get("anonymousId") or not is_anonymous
    assert len({event["anonymousId"] for event in events if label(event) in anonymous}) <= 1
    page = by_name["page"]
    assert "/p/sku-1" in (told(page, "context", "page", "url") or told(page, "properties", "url"))
    viewed, added = by_name["Product Viewed"]["properties"], by_name["Product Added"]["properties"]
    assert (viewed["product_id"], viewed["price"]) == ("sku-1", 79.9)
    assert (added["product_id"], added.get("quantity", added.get("value"))) == ("sku-1", 2)
    order = by_name["Order Completed"]["properties"]
    assert {name: order[name] for name in ORDER} == ORDER
    bought = [(line["product_id"], line["price"], line["quantity"]) for line in order["products"]]
    assert bought == [("sku-1", 79.4, 2), ("sku-2", 1, 1)]
    if "identify" in by_name:
        identify = by_name["identify"]
        traits = identify.get("traits") or identify["context"]["traits"]
        assert {name: traits.get(name) for name in TRAITS} == TRAITS


def assert_user_known(sending: Sending, is_linked: bool) -> None:
    """That nothing was refused, and what is known of the user; Snowplow has no call that says who it is."""
    sending.assert_all_taken()
    assert sending.outputs("failed_event") == []
    row = sending.rows()["u-17"]
    assert row.bought_items == ["sku-1", "sku-2"]
    assert row.orders.mean == pytest.approx(159.8)
    assert not row.is_bot
    actions = {name: kind.count for name, kind in row.actions.items()}
    bought = {"Product Added": 1, "Order Completed": 1}
    if is_linked:
        assert actions == {"Product Viewed": 1, **bought}
        assert row.kinds["page"].count == 1
        own = {name: trait for name, trait in row.traits.items() if not name.startswith("$initial_")}
        assert own == {"plan": "plus", "age": 34.0}
    else:
        assert actions == bought
