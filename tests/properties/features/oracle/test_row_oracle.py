"""Every aggregate of a row against an oracle that keeps every event: one test a family."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.features.oracle import recomputed
from properties.features.oracle.comparing import every_stream, near, plain_stats, told_stats
from properties.features.oracle.every_event import ANALYTICS
from properties.features.oracle.funnel_steps import progress_of
from properties.features.oracle.runs import Run
from properties.features.oracle.streams import VIEWS_AND_STEPS, Manner, streams
from properties.features.oracle.window_sums import estimate, happened

from stream_app.features.calendar import REMEMBERED_DAYS, streak
from stream_app.features.interests import FACETS, affinities
from stream_app.features.reading import read_features
from stream_app.features.statistics import MAX_CATEGORIES
from stream_app.features.user_row import ACTIVITY_HALF_LIFE, MAX_TOP_NAMES, SPENDING_HALF_LIFE
from stream_app.features.windows import WINDOWS, read
from stream_app.intake.consent import PURPOSES, UNSAID
from stream_app.schemas.outputs import FailedEvent

SHOPPING = {
    "users": 4,
    "consent_share": 0.0,
    "items": st.sampled_from([2, 30]),
    "kinds": {"track": 1.0},
    "actions": st.sampled_from([VIEWS_AND_STEPS, ["Product Added", "Product Removed"]]),
}
BUSY = {"users": 1, "length": st.integers(40, 200), "consent_share": 0.0}


@every_stream
@given(streams(idle_share=st.sampled_from([0.0, 0.05])))
def test_what_becomes_of_each_event(manner: Manner) -> None:
    run = Run(manner)
    assert +run.outcomes == +run.oracle.outcomes
    failed = [output for output in run.outputs if isinstance(output, FailedEvent)]
    assert {output.source.offset: output.reason for output in failed} == run.oracle.failed
    assert len(failed) == len(run.oracle.failed)


@every_stream
@given(streams(too_late_share=0.2, repeat_share=0.3))
def test_what_is_late_or_repeated_changes_nothing(manner: Manner) -> None:
    run = Run(manner)
    refused = run.oracle.failed.keys() | run.oracle.repeated
    taken = [arrival for offset, arrival in enumerate(run.arrivals) if offset not in refused]
    alone = Run(manner, arrivals=taken)
    assert run.rows.keys() == alone.rows.keys()
    for user, row in run.rows.items():
        for at in run.read_times:
            assert read_features(row, at) == read_features(alone.rows[user], at)


@every_stream
@given(streams())
def test_counts_and_times_by_type_and_action(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        assert {name: (kind.count, kind.last_at) for name, kind in row.kinds.items()} == recomputed.kinds_of(
            history
        )
        actions = {name: (kind.count, kind.last_at) for name, kind in row.actions.items()}
        assert actions == recomputed.actions_of(history)


@every_stream
@given(streams())
def test_first_and_last_use(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        times = [kept.at for kept in history.uses] or [0.0]
        assert (row.first_at, row.last_at) == (min(times), max(times))
        assert row.seen_at == history.seen_at


@every_stream
@given(streams(idle_share=st.sampled_from([0.0, 0.05])))
def test_windows(manner: Manner) -> None:
    run = Run(manner)
    for row, history, visits in run.users:
        for at in run.read_times:
            for index, window in enumerate(WINDOWS):
                expected, told = happened(history, visits, window, at), read(row.tiles, index, at)
                if told is None:
                    assert not any(expected)
                else:
                    assert told[:-2] == near(expected[:-2])


@every_stream
@given(streams(pause=st.sampled_from([3.0, 60.0])))
def test_distinct_pages_and_items_by_the_rule_of_bits(manner: Manner) -> None:
    run = Run(manner)
    for row, history, visits in run.users:
        for at in run.read_times:
            for index, window in enumerate(WINDOWS):
                expected, told = happened(history, visits, window, at), read(row.tiles, index, at)
                if told is not None:
                    assert told.distinct_pages == near(estimate(expected.pages))
                    assert told.distinct_items == near(estimate(expected.items))


@every_stream
@given(streams(**BUSY))
def test_last_items(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        assert row.recent_items == recomputed.recent_items(history)
        assert row.bought_items == recomputed.bought_items(history)


@every_stream
@given(streams(**BUSY))
def test_top_items(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        counted = recomputed.item_counts(history)
        if len(counted) <= MAX_TOP_NAMES:
            assert row.top_items == counted
            continue
        least = min(row.top_items.values())
        assert len(row.top_items) == MAX_TOP_NAMES
        assert sum(row.top_items.values()) == counted.total()
        assert all(counted[item] <= told <= counted[item] + least for item, told in row.top_items.items())
        assert least <= counted.total() / MAX_TOP_NAMES
        assert all(count <= least for item, count in counted.items() if item not in row.top_items)


@every_stream
@given(streams())
def test_decayed_rates(manner: Manner) -> None:
    run = Run(manner)
    for row, history, _ in run.users:
        uses = [(1.0, kept.at) for kept in history.single_uses]
        orders = recomputed.orders_of(history)
        for at in run.read_times:
            for told, weights, half_life in (
                (row.activity, uses, ACTIVITY_HALF_LIFE),
                (row.spending, orders, SPENDING_HALF_LIFE),
            ):
                expected = recomputed.decayed(weights, at, half_life)
                assert told.read(at, half_life) == pytest.approx(expected, rel=1e-9, abs=0.0)


@every_stream
@given(streams(**BUSY))
def test_shares_of_surroundings(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        for told, named in (
            (row.devices, "device"),
            (row.browsers, "browser"),
            (row.systems, "os"),
            (row.countries, "country"),
            (row.plans, "plan"),
            (row.referrers, "referrer"),
        ):
            assert told == recomputed.shares_of(history, named)
            assert len(told) <= MAX_CATEGORIES + 1
        assert row.is_bot == history.is_bot


@every_stream
@given(streams(pause=st.sampled_from([60.0, 2_000.0, 30_000.0])))
def test_hours_and_weekdays_on_the_users_clock(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        times = recomputed.local_times(history)
        hours, weekdays = (Counter(time.hour for time in times), Counter(time.weekday() for time in times))
        assert row.hours == [hours[hour] for hour in range(24)]
        assert row.weekdays == [weekdays[day] for day in range(7)]
        last_offset = max((kept.offset for kept in history.uses), default=-1)
        assert row.time_zone == recomputed.zone_of(history, last_offset)


@every_stream
@given(streams(pause=st.sampled_from([2_000.0, 30_000.0, 90_000.0])))
def test_active_days_and_streaks(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        days = {recomputed.day_number(time) for time in recomputed.local_times(history)}
        assert row.active_days == len(days)
        if days:
            assert row.last_active_day == max(days)
            assert streak(row.active_day_bits) == min(recomputed.streak_of(days), REMEMBERED_DAYS)


@every_stream
@given(streams(**BUSY))
def test_orders(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        orders = recomputed.orders_of(history)
        assert told_stats(row.orders) == near(plain_stats([revenue for revenue, _ in orders]))
        assert row.orders.total == near(sum(revenue for revenue, _ in orders))
        assert row.funnel.ordered_at == max((at for _, at in orders), default=0.0)


@every_stream
@given(streams(**SHOPPING))
def test_funnel_and_cart(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        funnel = row.funnel
        told = (funnel.stage, funnel.reached_at, funnel.ordered_at, funnel.cart)
        assert told == progress_of(history)


@every_stream
@given(streams(**BUSY))
def test_interests(manner: Manner) -> None:
    run = Run(manner)
    for row, history, _ in run.users:
        for facet in range(len(FACETS)):
            expected = recomputed.InterestOracle(history, facet)
            for at in run.read_times if expected.is_decided else ():
                told = affinities(row.interests, facet, at)
                assert told == pytest.approx(expected.affinities(at), rel=1e-9, abs=0.0)
                assert list(told.values()) == sorted(told.values(), reverse=True)


@every_stream
@given(streams(**BUSY, kinds={"identify": 5.0, "group": 2.0, "page": 2.0}))
def test_traits(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        assert row.traits == recomputed.traits_of(history, until=manner.length)
        assert row.control_group == recomputed.control_group_of(history)


@every_stream
@given(streams(consent_share=0.3))
def test_consent(manner: Manner) -> None:
    for row, history, _ in Run(manner).users:
        if not history.agreed:
            assert row.consent == UNSAID
            continue
        agreed = {purpose for purpose in PURPOSES if history.agreed.get(purpose, True)}
        assert {purpose for purpose, bit in PURPOSES.items() if row.consent & bit} == agreed
        # What came without consent left nothing but that it came.
        assert sum(kind.count for kind in row.kinds.values()) == len(history.kept)
        assert ANALYTICS in PURPOSES
