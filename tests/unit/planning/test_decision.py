"""One decision, looked at closely: reasons, moments, and a second look when it is due."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from stream_app.features.notified import Notified, Sent, note_sent
from stream_app.models.notifications.chances import Chances
from stream_app.planning.campaign_text import read_campaign
from stream_app.planning.campaigns import Campaign
from stream_app.planning.decision import decide
from stream_app.planning.local_time import clock_of
from stream_app.planning.occasion import Known, Learned
from stream_app.planning.reasons import Reason
from stream_app.planning.reevaluation import look_again
from stream_app.planning.segments import SEGMENTS, Segment
from stream_app.planning.triggers import Acts, is_triggered
from stream_app.planning.when import VisitHours
from stream_app.planning.whether import Standing, is_control

TEXT = """\
version = 1
name = "test"
state = "live"

[experiment]
name = "e"
control_share = 0.3

[[channels]]
name = "push"
quiet_hours = ["21:00", "08:00"]
caps = { per_day = 1, per_week = 2 }

[[types]]
name = "News"
channel = "push"
trigger = { kind = "event", event = "Signed Up" }
segments = ["Loyal", "New"]
cool_down = "3d"
content.en = { title = "News", text = "News" }

[[types]]
name = "Cart"
channel = "push"
trigger = { kind = "event", event = "Product Added", after = "2h", unless = ["Order Completed"] }
items = { source = "cart", count = 2 }
content.en = { title = "Cart", text = "{{ items[0].name }}" }

[[types]]
name = "Receipt"
channel = "push"
purpose = "transactional"
trigger = { kind = "event", event = "Order Completed" }
in_session = true
content.en = { title = "Thanks", text = "Thanks" }
"""
CAMPAIGN = read_campaign(TEXT)
NEWS, CART, RECEIPT = CAMPAIGN.types
NOON = datetime(2026, 6, 3, 12, tzinfo=UTC).timestamp()  # a Wednesday
HOUR, DAY = 3_600.0, 86_400.0
USER = next(name for name in map(str, range(99)) if not is_control(CAMPAIGN, name, ""))
CONTROL = next(name for name in map(str, range(99)) if is_control(CAMPAIGN, name, ""))


def known(**changes: object) -> Known:
    base = Known(
        user_key=USER,
        segment=Segment.LOYAL,
        standing=Standing(may_market=True),
        clock=clock_of("UTC", "UTC"),
        last_at=NOON - HOUR,
        recent_visits=4.0,
        hours=np.ones(24),
        state=Notified(),
        items={"cart": [{"id": "lamp"}, {"id": "desk"}, {"id": "rug"}]},
    )
    return replace(base, **changes)


def learned(campaign: Campaign = CAMPAIGN) -> Learned:
    chances = Chances(len(SEGMENTS), len(campaign.types))
    chances.opening.weights[0] += 1.0  # people who open readily, so that hardly anything is not worth it
    return Learned(chances, VisitHours(len(SEGMENTS)))


def sent(at: float, kind: str = "Cart") -> Notified:
    state = Notified()
    note_sent(state, Sent("s", kind, "push", at, 12, 0.2))
    return state


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"standing": Standing(may_market=False)}, Reason.NO_CONSENT),
        ({"standing": Standing(may_market=True, opted_out=True)}, Reason.OPTED_OUT),
        ({"user_key": CONTROL}, Reason.CONTROL_GROUP),
        ({"standing": Standing(may_market=True, control_trait="control")}, Reason.CONTROL_GROUP),
        ({"segment": Segment.LOST}, Reason.WRONG_SEGMENT),
        ({"state": sent(NOON - 2 * DAY, "News")}, Reason.COOL_DOWN),
        ({"in_session_until": NOON + 2 * DAY}, Reason.EXPIRED),
    ],
)
def test_who_gets_nothing_is_told_why(changes: dict[str, object], reason: Reason) -> None:
    decision = decide(CAMPAIGN, known(**changes), [NEWS], learned(), NOON, "c")
    assert decision.planned is None
    assert decision.reason == reason
    assert decision.turned_away == {"News": reason}


def test_a_trait_wins_over_the_keyed_hash() -> None:
    treated = known(user_key=CONTROL, standing=Standing(may_market=True, control_trait="treatment"))
    assert decide(CAMPAIGN, treated, [NEWS], learned(), NOON, "c").planned is not None


def test_todays_cap_puts_it_off_to_tomorrow() -> None:
    decision = decide(CAMPAIGN, known(state=sent(NOON - HOUR)), [NEWS], learned(), NOON, "c")
    assert decision.planned is not None
    assert datetime.fromtimestamp(decision.planned.due_at, UTC).day == 4


def test_a_type_whose_items_are_missing_is_not_eligible_and_another_goes() -> None:
    decision = decide(CAMPAIGN, known(items={}), [NEWS, CART], learned(), NOON, "c")
    assert decision.planned is not None
    assert decision.planned.kind == "News"
    assert decision.planned.propensity == 1.0
    assert decision.turned_away == {"Cart": Reason.MISSING_ITEMS}


def test_items_are_as_many_as_the_type_takes() -> None:
    decision = decide(CAMPAIGN, known(), [CART], learned(), NOON, "c")
    assert decision.planned is not None
    assert decision.planned.items == ["lamp", "desk"]


def test_a_receipt_goes_at_once_whatever_the_hour_the_cap_and_the_consent() -> None:
    night = NOON + 11 * HOUR
    asked = known(standing=Standing(may_market=False), state=sent(night - HOUR), user_key=CONTROL)
    decision = decide(CAMPAIGN, asked, [NEWS, RECEIPT], learned(), night, "c")
    assert decision.planned is not None
    assert (decision.planned.kind, decision.planned.due_at) == ("Receipt", night)
    assert look_again(CAMPAIGN, asked, decision.planned, night).reason is None


def test_the_hour_is_the_one_at_which_the_user_comes() -> None:
    for hour in (9, 14, 20):
        hours = np.zeros(24)
        hours[hour] = 50
        decision = decide(CAMPAIGN, known(hours=hours), [NEWS], learned(), NOON, "c")
        assert decision.planned is not None
        assert datetime.fromtimestamp(decision.planned.due_at, UTC).hour == hour


def test_the_same_cause_draws_the_same_and_others_draw_others() -> None:
    kinds = {decide(CAMPAIGN, known(), [NEWS, CART], learned(), NOON, str(n)).planned.kind for n in range(40)}
    assert kinds == {"News", "Cart"}
    ids = {decide(CAMPAIGN, known(), [NEWS, CART], learned(), NOON, "same").planned.id for _ in range(3)}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("changes", "after", "wanted", "reason"),
    [
        ({}, 0.0, True, None),
        ({"standing": Standing(may_market=False)}, 0.0, True, Reason.NO_CONSENT),
        ({}, 0.0, False, Reason.NO_LONGER_WANTED),
        ({}, DAY, True, Reason.EXPIRED),
        ({"segment": Segment.LOST}, 0.0, True, Reason.WRONG_SEGMENT),
    ],
)
def test_what_changed_meanwhile_ends_the_plan(
    changes: dict[str, object], after: float, wanted: bool, reason: Reason | None
) -> None:
    planned = decide(CAMPAIGN, known(), [NEWS], learned(), NOON, "c").planned
    verdict = look_again(CAMPAIGN, known(**changes), planned, planned.due_at + after, is_wanted=wanted)
    assert verdict == (reason, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": sent(NOON)}, Reason.DAY_CAP),
        ({"in_session_until": NOON + 1_000}, Reason.IN_SESSION),
        ({"clock": clock_of("Asia/Tokyo", "UTC")}, Reason.QUIET_HOURS),
    ],
)
def test_what_passes_puts_the_plan_off(changes: dict[str, object], reason: Reason) -> None:
    planned = replace_due(decide(CAMPAIGN, known(), [NEWS], learned(), NOON, "c").planned, NOON)
    verdict = look_again(CAMPAIGN, known(**changes), planned, NOON)
    assert verdict.reason == reason
    assert verdict.due_at is not None
    assert NOON < verdict.due_at < planned.expires_at
    assert look_again(CAMPAIGN, known(**changes), planned, verdict.due_at).reason is None


def test_a_clock_that_was_set_back_sends_nothing_before_its_time() -> None:
    planned = decide(CAMPAIGN, known(), [NEWS], learned(), NOON, "c").planned
    verdict = look_again(CAMPAIGN, known(), planned, planned.due_at - 9 * DAY)
    assert verdict == (Reason.NOT_DUE, planned.due_at)


def replace_due(planned, due_at: float):
    planned.due_at = due_at
    return planned


@pytest.mark.parametrize("state", ["draft", "stopped"])
def test_nothing_goes_before_the_campaign_is_approved_or_after_it_is_stopped(state: str) -> None:
    planned = decide(CAMPAIGN, known(), [NEWS], learned(), NOON, "c").planned
    held = CAMPAIGN.changed(state=state)
    expected = Reason.STOPPED if state == "stopped" else Reason.NOT_LIVE
    assert look_again(held, known(), planned, planned.due_at) == (expected, None)


def test_a_type_that_left_the_file_is_not_sent() -> None:
    planned = decide(CAMPAIGN, known(), [NEWS], learned(), NOON, "c").planned
    without = CAMPAIGN.changed(types=[CART])
    assert look_again(without, known(), planned, planned.due_at).reason == Reason.UNKNOWN_TYPE


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ({"Product Added": NOON - 3 * HOUR}, True),
        ({"Product Added": NOON - HOUR}, False),
        ({"Product Added": NOON - 40 * HOUR}, False),
        ({"Product Added": NOON - 3 * HOUR, "Order Completed": NOON - 2 * HOUR}, False),
        ({"Product Added": NOON - 3 * HOUR, "Order Completed": NOON - 9 * HOUR}, True),
        ({}, False),
    ],
)
def test_an_idle_cart_comes_up(acts: dict[str, float], expected: bool) -> None:
    local = datetime.fromtimestamp(NOON, UTC)
    asked = Acts(acts, NOON, Segment.LOYAL, Segment.LOYAL)
    assert is_triggered(CART, asked, local) is expected
