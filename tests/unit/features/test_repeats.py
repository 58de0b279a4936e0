"""What comes again counts once, as far as a row remembers, and what it could not remember is counted."""

import pytest

from stream_app.features.user_row import MAX_RECENT_IDS
from stream_app.settings.rules import DAY
from stream_app.testing import Driver, event, page, track

HOUR = 3_600.0


def order(at: float, message_id: str, user: str = "u", **properties: object) -> bytes:
    return track(user, at, "Order Completed", {"revenue": 10, **properties}, messageId=message_id)


@pytest.mark.parametrize("name", ["order_id", "orderId", "transaction_id"])
def test_an_order_under_several_message_ids_is_one_however_late(name: str) -> None:
    driver = Driver()
    for number, at in enumerate((0, 60, 3 * DAY)):
        driver.pipe(order(at, f"m{number}", **{name: 42}))
    driver.pipe(order(4 * DAY, "m9", **{name: "43"}))
    features = driver.features("u", 4 * DAY)
    assert (features["purchase_count"], features["revenue_total"]) == (2, 20)
    assert driver.outcomes["track", "repeated"] == 2


def test_orders_without_an_id_and_of_other_users_are_orders() -> None:
    driver = Driver()
    driver.pipe(order(0, "a"), order(1, "b"), order(2, "c", order_id="7"), order(3, "d", "v", order_id="7"))
    assert driver.features("u", 5)["purchase_count"] == 3
    assert driver.features("v", 5)["purchase_count"] == 1


def test_an_order_of_both_ids_is_known_after_they_became_one_user() -> None:
    driver = Driver()
    anonymous = track("", 0, "Order Completed", {"order_id": "7"}, messageId="a", anonymousId="device")
    driver.pipe(anonymous, event("identify", "u", 1, anonymousId="device"))
    driver.pipe(order(2, "b", order_id="7"))
    assert driver.features("u", 5)["purchase_count"] == 1


def test_ids_that_had_to_be_forgotten_are_counted() -> None:
    driver = Driver()
    views = [page("u", number, messageId=f"m{number}") for number in range(MAX_RECENT_IDS + 3)]
    assert driver.pipe(*views).forgotten_ids == 3
    assert driver.pipe(views[-1]).events == {("page", "repeated"): 1}


def test_ids_older_than_the_allowed_lateness_are_no_loss() -> None:
    driver = Driver()
    views = [page("u", number * 10, messageId=f"m{number}") for number in range(MAX_RECENT_IDS + 3)]
    assert driver.pipe(*views).forgotten_ids == 0
    assert driver.pipe(views[0]).failures == {"late": 1}
