"""What is bounded keeps what it promises: estimates near the truth, the newest kept, the rest forgotten."""

from datetime import UTC, datetime
from math import exp, sqrt
from random import Random
from statistics import fmean
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.features.oracle import recomputed
from properties.features.oracle.comparing import every_stream
from properties.features.oracle.runs import Run
from properties.features.oracle.streams import SINGLE_EVENTS, Arrival, Manner, streams
from properties.features.oracle.window_sums import estimate

from stream_app.features.calendar import REMEMBERED_DAYS, local_time, note_day, streak
from stream_app.features.distinct import bit_of, estimate_distinct
from stream_app.features.sessions import MAX_SESSION_ITEMS
from stream_app.features.user_row import MAX_RECENT_IDS
from stream_app.features.windows import WINDOWS, add_event, new_tiles, read
from stream_app.settings.rules import DAY, HOUR, Rules

BITS = 64
START = 1_700_000_000.0


@pytest.mark.parametrize("count", [1, 10, 40, 64, 100, 150])
def test_distinct_estimates_err_as_linear_counting_does(count: int) -> None:
    random, rounds = Random(count), 400
    errors = []
    for _ in range(rounds):
        values = {f"/page/{random.getrandbits(48):x}" for _ in range(count)}
        bits = 0
        for value in values:
            bits |= bit_of(value)
        assert estimate_distinct(bits) == pytest.approx(estimate(values), rel=1e-12)
        errors.append(estimate_distinct(bits) / count - 1)
    load = count / BITS
    standard_error = sqrt(BITS * (exp(load) - load - 1)) / count
    bias = (exp(load) - load - 1) / (2 * count)
    assert sqrt(fmean(error**2 for error in errors)) <= 1.2 * sqrt(standard_error**2 + bias**2)
    assert abs(fmean(errors) - bias) <= 0.02 + 4 * standard_error / sqrt(rounds)


@every_stream
@given(st.floats(1e9, 2e9), st.floats(0, 40 * DAY))
def test_a_window_covers_its_span_and_less_than_a_hop_more(at: float, age: float) -> None:
    for index, window in enumerate(WINDOWS):
        tiles = new_tiles()
        add_event(tiles, at, at, True, 0, 0)
        is_read = read(tiles, index, at + age) is not None
        if age <= window.span:
            assert is_read
        if age >= window.span + window.hop:
            assert not is_read


@every_stream
@given(streams(users=1, length=st.integers(1, 60), kinds=SINGLE_EVENTS))
def test_tiles_are_bounded(manner: Manner) -> None:
    for row, _, _ in Run(manner).users:
        for window, tiles in zip(WINDOWS, row.tiles, strict=True):
            assert len(tiles) <= window.tile_count + 2
            assert all(tile[0] or tile[1] or tile[3] for tile in tiles.values())


def pages(count: int, pause: float, **fields: str) -> list[Arrival]:
    """Views of one user, one after the other, each with an id of its own."""
    return [
        Arrival(
            {
                "type": "page",
                "userId": "u",
                "messageId": f"m{number}",
                "timestamp": _text(START + number * pause),
            }
            | fields,
            START + number * pause,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("pause", [1.0, 5.0, 10.0])
def test_repeats_within_the_lateness_are_known_as_far_as_the_memory_reaches(pause: float) -> None:
    random, arrivals = Random(3), list[Arrival]()
    sent = pages(1_500, pause)
    for number, arrival in enumerate(sent):
        arrivals += [arrival, random.choice(sent[max(number - MAX_RECENT_IDS + 1, 0) : number + 1])]
    run = Run(Manner(seed=1, length=0), arrivals=arrivals)
    [user] = run.users
    assert run.outcomes == run.oracle.outcomes
    assert run.outcomes["page", "processed"] == len(sent)
    assert len(user.row.recent_ids) <= MAX_RECENT_IDS


def test_a_session_keeps_its_newest_items_and_all_of_its_counts() -> None:
    random = Random(4)
    arrivals = pages(3 * MAX_SESSION_ITEMS, 15.0)
    shown = [
        Arrival({**arrival.event, "properties": {"item_id": f"i{number}"}}, arrival.received_at)
        for number, arrival in enumerate(arrivals)
    ]
    late = sorted(shown, key=lambda arrival: arrival.received_at + random.uniform(0, 900))
    run = Run(Manner(seed=1, length=0), Rules(allowed_lateness=2 * HOUR), late)
    [(row, _, visits)] = run.users
    [told], [visit] = row.open_sessions, visits.open
    assert told.items == visit.looks
    assert len(told.items) == MAX_SESSION_ITEMS
    assert (told.event_count, told.page_views) == (len(shown), len(shown))


@every_stream
@given(st.lists(st.integers(20_000, 20_150), min_size=1, max_size=60))
def test_active_days_are_remembered_for_a_while(days: list[int]) -> None:
    bits, last_day = 0, 0
    for day in days:
        bits, last_day = note_day(bits, last_day, day)
    assert last_day == max(days)
    remembered = {last_day - behind for behind in range(REMEMBERED_DAYS) if bits >> behind & 1}
    assert remembered == {day for day in days if day > last_day - REMEMBERED_DAYS}
    assert streak(bits) == min(recomputed.streak_of(set(days)), REMEMBERED_DAYS)


@every_stream
@given(
    st.sampled_from(sorted(available_timezones() - {"localtime"})),
    st.datetimes(datetime(2023, 1, 1), datetime(2037, 12, 31)),
)
def test_the_clock_of_every_time_zone(zone: str, moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC).timestamp()
    shown = recomputed.local(at, zone)
    assert local_time(at, zone) == (recomputed.day_number(shown), shown.hour, shown.weekday())


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
