"""What trackers tell by themselves counts as itself: no act, though it may show that the user is there."""

from typing import Any

import pytest

from stream_app.intake import observations
from stream_app.schemas.outputs import ClosedSession
from stream_app.settings.rules import MINUTE, Rules
from stream_app.testing import Driver, page, track


def closed_sessions(driver: Driver) -> list[ClosedSession]:
    """The sessions that end when nothing comes any more."""
    return [output for output in driver.advance_clock(0).outputs if isinstance(output, ClosedSession)]


PINGS = ("Page Ping", "page_ping", "Video Playback Heartbeat", "$autocapture", "Page Left")
SILENT = ("$feature_flag_called", "$web_vitals", "$exception", "application_error", "$$heatmap")
ACTS = ("Clicked", "Snapshot", "Exception", "Shopping", "Product Viewed", "$pageview", "")


@pytest.mark.parametrize("name", [*PINGS, *SILENT])
def test_they_are_known_by_any_spelling(name: str) -> None:
    assert observations.name_of(name) in observations.NAMES
    assert (observations.name_of(name) in observations.SHOW_PRESENCE) == (name in PINGS)


@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_none(name: str) -> None:
    assert observations.name_of(name) is None


def test_pings_make_no_actions_and_let_the_session_go_on() -> None:
    driver = Driver(Rules(session_gap=30 * MINUTE))
    pings = [track("u", at * MINUTE, "Page Ping", {}) for at in range(1, 181)]
    driver.pipe(page("u", 0, "a"), *pings)
    row = driver.rows["u"]
    assert row.actions == {}
    assert row.kinds["page_ping"].count == 180
    assert "track" not in row.kinds
    assert row.activity.value == pytest.approx(1)
    [session] = closed_sessions(driver)
    assert (session.event_count, session.duration) == (1, 180 * MINUTE)


@pytest.mark.parametrize("name", SILENT)
def test_what_shows_nobody_leaves_the_session_as_it_is(name: str) -> None:
    driver = Driver(Rules(session_gap=30 * MINUTE))
    driver.pipe(page("u", 0, "a"), track("u", 10 * MINUTE, name, {}))
    assert driver.rows["u"].last_at == driver.rows["u"].first_at
    [session] = closed_sessions(driver)
    assert session.duration == 0


@pytest.mark.parametrize("name", PINGS)
def test_none_begins_a_session(name: str) -> None:
    driver = Driver(Rules())
    driver.pipe(track("u", 0, name, {}))
    assert driver.rows["u"].open_sessions == []
    assert driver.advance_clock(0).outputs == []


def rows_traits(*events: bytes) -> dict[str, Any]:
    driver = Driver(Rules())
    driver.pipe(*events)
    return driver.rows["u"].traits


def test_traits_beside_any_event_are_the_users() -> None:
    given = {"context": {"traits": {"plan": "plus", "age": 34, "email": "pat@example.org"}}}
    assert rows_traits(page("u", 0, "a", **given)) == {"plan": "plus", "age": 34.0}
    assert rows_traits(track("u", 0, "Clicked", {}, **given)) == {"plan": "plus", "age": 34.0}


def test_what_is_set_once_gives_way_to_what_is_known() -> None:
    once = {"context": {"traitsOnce": {"plan": "free", "source": "news"}}}
    later = {"context": {"traitsOnce": {"source": "ads"}}}
    known = {"context": {"traits": {"plan": "plus"}}}
    assert rows_traits(page("u", 0, "a", **known), page("u", 1, "a", **once), page("u", 2, "a", **later)) == {
        "plan": "plus",
        "source": "news",
    }


@pytest.mark.parametrize("traits", [None, [], "plus", 5])
def test_what_are_no_traits_cost_nothing(traits: Any) -> None:
    assert rows_traits(page("u", 0, "a", context={"traits": traits, "traitsOnce": traits})) == {}


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        (["GMT+0100"], "+01:00"), (["GMT-0330"], "-03:30"), (["+05:45"], "+05:45"), (["UTC+2"], "+02:00"),
        (["Europe/Berlin"], "Europe/Berlin"), (["GMT+9900"], ""), (["GMT+01:99"], ""), (["somewhere"], ""),
        (["Europe/Berlin", "GMT+0100"], "Europe/Berlin"), (["Europe/Berlin", "GMT+0500"], "+05:00"),
        (["GMT+0500", "Europe/Berlin"], "Europe/Berlin"),
    ],
)  # fmt: skip
def test_a_time_zone_may_be_told_as_an_offset(told: list[str], zone: str) -> None:
    driver = Driver(Rules())
    driver.pipe(*[page("u", at, "a", context={"timezone": text}) for at, text in enumerate(told)])
    row = driver.rows["u"]
    assert row.time_zone == zone
    assert sum(row.hours) == len(told)
