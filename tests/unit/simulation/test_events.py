"""One written run: its events keep the contract, the settings and the truth."""

from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.events import EVENT_ADAPTER
from stream_app.simulation.devices import BOT_AGENTS

EXPECTED_KINDS = {
    *("page", "screen", "identify", "group", "session", "label"),
    *("Product Viewed", "Product Clicked", "Products Searched", "Product Added"),
    *("Checkout Started", "Order Completed", "Notification Sent", "Notification Opened"),
}


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_every_event_and_item_keeps_the_contract(written) -> None:
    for event in written.events:
        assert EVENT_ADAPTER.validate_python(event).user_key
    assert len({CatalogueItem.model_validate(item).item_id for item in written.catalogue}) == 400


def test_all_kinds_of_events_occur(written) -> None:
    assert {event.get("event", event["type"]) for event in written.events} == EXPECTED_KINDS


def test_events_are_in_order_of_arrival_and_late_ones_out_of_order_of_happening(written) -> None:
    received = [event["receivedAt"] for event in written.events]
    assert received == sorted(received)
    happened = [event["timestamp"] for event in written.events]
    assert happened != sorted(happened)


def test_timestamp_is_corrected_for_the_clock_of_the_device(written) -> None:
    skewed = 0
    for event in written.events:
        corrected = (
            seconds(event["receivedAt"]) - seconds(event["sentAt"]) + seconds(event["originalTimestamp"])
        )
        assert seconds(event["timestamp"]) == pytest.approx(corrected, abs=1e-3)
        skewed += abs(seconds(event["originalTimestamp"]) - seconds(event["timestamp"])) > 5
    assert 0.02 < skewed / len(written.events) < 0.2


def test_impurities_are_as_frequent_as_set(written) -> None:
    flaws = written.truths["event"]
    people = [event for event in written.events if event["messageId"] not in written.bots]
    count = len(written.events)
    settings = written.settings
    assert sum(flaw["is_bot"] for flaw in flaws) / count == pytest.approx(settings.bot_share, rel=0.25)
    assert sum(flaw["is_repeat"] for flaw in flaws) / count == pytest.approx(settings.repeat_share, rel=0.25)
    assert sum(flaw["is_late"] for flaw in flaws) / len(people) == pytest.approx(settings.late_share, rel=0.4)
    anonymous = sum("userId" not in event for event in people)
    assert anonymous / len(people) == pytest.approx(settings.anonymous_share, rel=0.25)


def test_late_events_are_those_that_waited_on_a_device(written) -> None:
    late = {flaw["message_id"] for flaw in written.truths["event"] if flaw["is_late"]}
    for event in written.first_arrivals():
        waited = seconds(event["receivedAt"]) - seconds(event["timestamp"])
        assert (waited > 60) == (event["messageId"] in late)


def test_repeats_differ_from_the_first_delivery_in_nothing_but_their_sending(written) -> None:
    stated = Counter(flaw["message_id"] for flaw in written.truths["event"] if flaw["is_repeat"])
    first: dict[str, dict] = {}
    found: Counter[str] = Counter()
    for event in written.events:
        body = {name: value for name, value in event.items() if name not in {"sentAt", "receivedAt"}}
        if event["messageId"] in first:
            found[event["messageId"]] += 1
            assert body == first[event["messageId"]]
        first.setdefault(event["messageId"], body)
    assert found == stated


def test_a_cookie_belongs_to_one_user_and_is_known_once_identified(written) -> None:
    owners: dict[str, str] = {}
    in_order = sorted(written.first_arrivals(), key=lambda event: event["timestamp"])
    for event in in_order:
        cookie = event.get("anonymousId")
        if cookie is None:
            assert event["userId"]
        elif "userId" in event:
            assert owners.setdefault(cookie, event["userId"]) == event["userId"]
        else:
            assert cookie not in owners


def test_anonymous_visits_end_identified_as_their_user(written) -> None:
    identified = {
        event["anonymousId"]: event["userId"] for event in written.events if event["type"] == "identify"
    }
    anonymous = [visit for visit in written.truths["visit"] if visit["is_anonymous_at_first"]]
    assert anonymous
    for visit in anonymous:
        assert identified[visit["anonymous_id"]] == visit["user_id"]


def test_every_visit_of_the_truth_and_no_other_shows_in_the_events(written) -> None:
    by_user: dict[str, list[tuple[float, float]]] = defaultdict(list)
    cookies: dict[str, str] = {}
    for visit in written.truths["visit"]:
        by_user[visit["user_id"]].append((seconds(visit["started_at"]), seconds(visit["ended_at"])))
        cookies[visit["anonymous_id"]] = visit["user_id"]
    for spans in by_user.values():
        spans.sort()
        assert all(after[0] - before[1] >= 30 * 60 for before, after in pairwise(spans))
    seen = set()
    for event in written.first_arrivals():
        if event.get("anonymousId") in cookies:
            user, at = cookies[event["anonymousId"]], seconds(event["timestamp"])
            span = next(span for span in by_user[user] if span[0] <= at <= span[1] + 1)
            seen.add((user, span))
    assert len(seen) == len(written.truths["visit"])


def test_orders_are_those_of_the_truth_and_add_up(written) -> None:
    orders = [event for event in written.first_arrivals() if event.get("event") == "Order Completed"]
    visits = Counter(visit["user_id"] for visit in written.truths["visit"] if visit["buys"])
    assert Counter(event["userId"] for event in orders) == visits
    assert len({event["properties"]["order_id"] for event in orders}) == len(orders)
    for event in orders:
        products = event["properties"]["products"]
        total = sum(product["price"] * product["quantity"] for product in products)
        assert event["properties"]["revenue"] == pytest.approx(total, abs=0.01)


def test_a_trackers_summary_counts_its_pages(written) -> None:
    pages: Counter[str] = Counter()
    summaries = {}
    for event in written.first_arrivals():
        session = event["context"].get("sessionId")
        if session and event["type"] in {"page", "screen"}:
            pages[session] += 1
        if event["type"] == "session":
            summaries[event["properties"]["sessionId"]] = event["properties"]["pageViews"]
    assert len(summaries) > 100
    assert summaries == pages


def test_labels_are_the_tiers_but_for_the_stated_noise(written) -> None:
    tiers = {user["user_id"]: user["tier"] for user in written.truths["user"]}
    labels = [event for event in written.first_arrivals() if event["type"] == "label"]
    right = sum(event["properties"]["value"] == tiers[event["userId"]] for event in labels)
    assert len({event["userId"] for event in labels}) > 100
    assert 0.82 < right / len(labels) < 0.96
    assert set(tiers.values()) == {1, 2, 3}


def test_bots_are_faster_than_people_and_never_known(written) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    for event in written.first_arrivals():
        if event["messageId"] in written.bots:
            assert "userId" not in event
            assert event["context"]["userAgent"] in BOT_AGENTS
            times[event["anonymousId"]].append(seconds(event["timestamp"]))
    assert times
    for visit in times.values():
        assert max(visit) - min(visit) <= 1.3 * len(visit)


def test_planted_personal_data_is_listed_in_the_truth(written) -> None:
    planted = {user["user_id"]: user for user in written.truths["user"]}
    for event in written.events:
        if event["type"] == "identify":
            assert event["traits"]["email"] in planted[event["userId"]]["emails"]
            assert event["traits"]["phone"] in planted[event["userId"]]["phones"]
        if "ip" in event["context"] and "userId" in event:
            assert event["context"]["ip"] in planted[event["userId"]]["addresses"]
    assert any(
        "email=" in event["context"]["page"]["url"] for event in written.events if event["type"] == "page"
    )


def test_new_items_are_not_seen_before_their_release(written) -> None:
    released = {item["item_id"]: seconds(item["available_at"]) for item in written.catalogue}
    late = {item for item, at in released.items() if at > written.settings.start.timestamp()}
    seen = set()
    for event in written.events:
        item = event.get("properties", {}).get("product_id")
        if item is not None:
            seen.add(item)
            assert seconds(event["timestamp"]) >= released[item]
    assert seen & late


def test_popularity_is_skewed(written) -> None:
    views = Counter(
        event["properties"]["product_id"]
        for event in written.events
        if event["type"] in {"page", "screen"} and "product_id" in event["properties"]
    )
    top_tenth = sum(count for _, count in views.most_common(40))
    assert top_tenth > 0.35 * views.total()


def test_people_visit_by_the_hours_of_their_own_clock(written) -> None:
    """Office-hours users are most active from 9 to 17 local time, wherever they live."""
    office = {u["user_id"]: u["time_zone"] for u in written.truths["user"] if u["rhythm"] == 1}
    hours = []
    for visit in written.truths["visit"]:
        if visit["user_id"] in office:
            local = datetime.fromisoformat(visit["started_at"]).astimezone(ZoneInfo(office[visit["user_id"]]))
            if local.weekday() < 5:
                hours.append(local.hour)
    assert sum(8 <= hour < 18 for hour in hours) > 0.75 * len(hours)
