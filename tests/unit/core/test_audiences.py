"""Audiences: entered and left to the event, by time alone, corrected, merged, restarted, of history."""

import pytest

from stream_app.core.audience_checks import check_audiences
from stream_app.core.records import Batch, Record
from stream_app.core.step import advance_event_time, step
from stream_app.definitions.file import Definitions, DefinitionsError, parse_definitions
from stream_app.features.user_row import UserRow
from stream_app.schemas.outputs import AudienceChange
from stream_app.settings.rules import DAY, HOUR, Rules
from stream_app.testing import RECEIVED_AT, START, Driver, event, page, track

OWN = """
[[features]]
name = "cart_value"
about = "Value put into the cart"
events = { type = "track", name = "Product Added" }
aggregate = "sum"
value = "price"
windows = ["24h"]

[[audiences]]
name = "leavers"
about = "Left a cart for three days"
[audiences.when]
event = { type = "track", name = "Product Added" }
without = { type = "track", name = "Order Completed" }
lasting = "3d"

[[audiences]]
name = "big_carts"
about = "Put more than 100 into the cart within a day"
when = { feature = "cart_value_24h", above = 100 }

[[audiences]]
name = "quick"
about = "Bought within an hour of looking"
when = { sequence = [{ type = "page" }, { type = "track", name = "Order Completed" }], within = "1h" }

[[audiences]]
name = "pro_leavers"
about = "Leavers on the plan pro"
when = { all = [{ audience = "leavers" }, { trait = "plan", is = "pro" }] }
"""
RULES = Rules(definitions=check_audiences(parse_definitions(OWN)))


def told(driver: Driver, user: str = "u") -> list[tuple[str, str, float, bool]]:
    """Audience, change, seconds after the start and whether it is final, of what was told."""
    return [
        (change.audience, change.change, change.as_of.timestamp() - START, change.is_final)
        for change in driver.of(AudienceChange, user)
    ]


def added(user: str, at: float, price: float = 10) -> bytes:
    return track(user, at, "Product Added", {"price": price})


def ordered(user: str, at: float) -> bytes:
    return track(user, at, "Order Completed")


@pytest.mark.parametrize("restarts", [False, True])
def test_what_only_time_decides_is_told_for_good_by_the_watermark(restarts: bool) -> None:
    driver = Driver(RULES)
    driver.pipe(added("u", 0), page("u", 3 * DAY - 1))
    if restarts:
        driver.restart()
    driver.advance_event_time(3 * DAY + HOUR)
    assert told(driver) == []
    driver.advance_event_time(3 * DAY + HOUR + 1)
    assert told(driver) == [("leavers", "entered", 3 * DAY, True)]
    driver.pipe(ordered("u", 3 * DAY + HOUR + 2))
    assert (
        told(driver)[1:]
        == [
            ("leavers", "left", 3 * DAY + HOUR + 2, False),
            ("quick", "entered", 3 * DAY + HOUR + 2, False),
        ][:1]
    )
    [entered, left] = driver.of(AudienceChange, "u")
    assert entered.because == ["Product Added, then no Order Completed for 3d"]
    assert left.because == ["no longer: Product Added, then no Order Completed for 3d"]


def test_an_event_that_comes_late_corrects_what_was_told() -> None:
    driver = Driver(RULES)
    driver.pipe(page("u", 0), ordered("u", HOUR), page("v", HOUR + 10))
    assert told(driver) == [("quick", "entered", HOUR, False)]
    driver.pipe(added("u", HOUR + 100, 120), page("u", HOUR + 100))
    assert told(driver)[1:] == [("big_carts", "entered", HOUR + 100, False)]
    driver.pipe(track("u", HOUR + 50, "Order Completed"), added("u", HOUR + 60, -30))
    assert told(driver)[2:] == [("big_carts", "corrected", HOUR + 100, True)]


def test_what_the_clock_decided_is_corrected_under_its_change_id() -> None:
    driver = Driver(RULES, clock=START + 1)
    driver.pipe(added("u", 0))
    driver.clock = START + 3 * DAY
    driver.advance_clock(60)
    assert told(driver) == [("leavers", "entered", 3 * DAY, False)]
    driver.advance_clock(60)
    driver.restart()
    driver.advance_clock(60)
    assert len(told(driver)) == 1
    driver.pipe(ordered("u", 3 * DAY - 30))
    assert told(driver)[1:] == [("leavers", "corrected", 3 * DAY, True)]
    entered, corrected = driver.of(AudienceChange, "u")
    assert entered.change_id == corrected.change_id
    assert entered.id != corrected.id
    driver.advance_event_time(9 * DAY)
    assert len(told(driver)) == 2


def test_what_the_clock_decided_and_nothing_contradicts_is_not_told_again() -> None:
    driver = Driver(RULES, clock=START + 1)
    driver.pipe(added("u", 0))
    driver.clock = START + 3 * DAY
    driver.advance_clock(60)
    driver.advance_event_time(9 * DAY)
    driver.pipe(page("u", 9 * DAY))
    assert told(driver) == [("leavers", "entered", 3 * DAY, False)]


def test_a_window_that_empties_ends_a_membership_without_an_event() -> None:
    driver = Driver(RULES)
    driver.pipe(added("u", 60, 70), added("u", 120, 70))
    driver.restart()
    driver.advance_event_time(2 * DAY)
    assert told(driver) == [
        ("big_carts", "entered", 120, False),
        ("big_carts", "left", DAY + HOUR, True),  # its tile of an hour leaves the window
    ]


def test_one_audience_may_ask_for_another_and_for_traits() -> None:
    driver = Driver(RULES)
    driver.pipe(added("u", 0))
    driver.advance_event_time(4 * DAY)
    driver.pipe(event("identify", "u", 4 * DAY, traits={"plan": "pro"}))
    assert told(driver) == [
        ("leavers", "entered", 3 * DAY, True),
        ("pro_leavers", "entered", 4 * DAY, False),
    ]


def test_of_history_only_what_is_settled_is_told() -> None:
    driver = Driver(RULES)
    values = [page("u", 0), ordered("u", 60), page("v", 2 * HOUR)]
    records = [Record(n, None, value, RECEIVED_AT, is_history=True) for n, value in enumerate(values)]
    [partition] = driver.partitions
    rows: dict[str, UserRow] = {}
    batch = Batch("clickstream.events.v1", 0, records)
    result = step(partition, batch, rows, driver.intake, driver.models, RULES, RECEIVED_AT)
    rows |= {user: row for user, row in result.rows.items() if row is not None}
    assert not any(isinstance(output, AudienceChange) for output in result.outputs)
    later = advance_event_time(partition, rows, driver.models, RULES, START + 2 * HOUR, RECEIVED_AT)
    [change] = [output for output in later.outputs if isinstance(output, AudienceChange)]
    assert (change.audience, change.is_final) == ("quick", True)


def test_a_visitor_who_becomes_known_leaves_and_their_user_enters() -> None:
    driver = Driver(RULES, partitions=4)
    driver.pipe(
        event("page", "", 0, anonymousId="visitor"),
        event("track", "", 10, anonymousId="visitor", event="Order Completed"),
        page("known", 20),
    )
    assert told(driver, "visitor") == [("quick", "entered", 10, False)]
    driver.pipe(event("identify", "known", 30, anonymousId="visitor"))
    assert told(driver, "visitor")[1:] == [("quick", "left", 10, True)]
    assert [change[:2] for change in told(driver, "known")] == [("quick", "entered")]


def test_bots_are_in_no_audience_and_withdrawn_consent_ends_all() -> None:
    driver = Driver(RULES)
    bot = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    driver.pipe(page("b", 0, context=bot), track("b", 1, "Order Completed", context=bot))
    assert told(driver, "b") == []
    driver.pipe(page("u", 0), ordered("u", 1))
    driver.pipe(page("u", 2, context={"consent": {"categoryPreferences": {"analytics": False}}}))
    assert told(driver) == [("quick", "entered", 1, False), ("quick", "left", 2, True)]
    assert driver.rows["u"].audiences is None


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ('{ feature = "nothing", above = 1 }', "there is no feature nothing"),
        ('{ feature = "inactive_days", above = 1 }', "use recency_days"),
        ("{ not = { tier = [3] } }", "tier: is decided at the end of a batch"),
        ('{ audience = "a" }', "a circle: a needs a"),
        ('{ audience = "b" }', "there is no audience b"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_line(when: str, says: str) -> None:
    with pytest.raises(DefinitionsError, match=f"line 2, when: .*{says}"):
        check_audiences(parse_definitions(f'[[audiences]]\nname = "a"\nabout = "A."\nwhen = {when}\n'))


def test_renaming_keeps_members_and_an_audience_that_is_gone_is_told_no_more() -> None:
    def declared(text: str) -> Definitions:
        return check_audiences(parse_definitions(text))

    driver = Driver(RULES)
    driver.pipe(page("u", 0), ordered("u", 1))
    driver.rules = Rules(
        definitions=declared(OWN.replace('"quick"', '"fast"').replace('"big_carts"', '"big"'))
    )
    driver.restart()
    driver.pipe(page("u", DAY), ordered("u", DAY + 1))
    driver.advance_event_time(2 * DAY)
    assert told(driver) == [("quick", "entered", 1, False)]
