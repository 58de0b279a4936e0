from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.planning.local_time import LocalClock, QuietHours, clock_of, find_zone

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca")


def clock(zone: str) -> LocalClock:
    return clock_of(zone, "UTC")


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()


def hours(zone: str, first: float, days: float = 1.0) -> list[int]:
    return [local.hour for _, local in clock(zone).starts_of_hours(first, first + days * 86_400)]


def test_the_hour_that_is_skipped_is_never_met_and_the_one_repeated_twice() -> None:
    spring = hours("Europe/Berlin", at(2026, 3, 28, 23))  # midnight, clocks go forward at two
    assert spring[:4] == [0, 1, 3, 4]
    autumn = hours("Europe/Berlin", at(2026, 10, 24, 22))
    assert autumn[:5] == [0, 1, 2, 2, 3]


@given(first=st.floats(at(2020, 1, 1), at(2030, 1, 1)), zone=st.sampled_from(ZONES))
def test_moments_are_the_beginning_and_then_full_local_hours_in_order(first: float, zone: str) -> None:
    found = list(clock(zone).starts_of_hours(first, first + 90_000))
    assert found[0][0] == first
    times = [moment for moment, _ in found]
    assert times == sorted(set(times))
    assert all(local.minute == 0 and local.second == 0 for _, local in found[1:])
    assert len(found) in range(24, 28)


@pytest.mark.parametrize(
    ("quiet", "inside", "outside"),
    [
        (QuietHours(1290, 480), (1290, 1439, 0, 479), (480, 1289)),
        (QuietHours(60, 120), (60, 119), (59, 120)),
        (QuietHours(60, 60), (), (60, 0, 1439)),
    ],
)
def test_quiet_hours(quiet: QuietHours, inside: tuple[int, ...], outside: tuple[int, ...]) -> None:
    assert all(quiet.covers(minute) for minute in inside)
    assert not any(quiet.covers(minute) for minute in outside)


def test_an_offset_is_a_zone_too() -> None:
    assert clock("+05:30").local(0.0).isoformat() == "1970-01-01T05:30:00+05:30"
    assert clock("-03:00").day(0.0) < clock("UTC").day(0.0)
    assert find_zone("+25:00") is None


@pytest.mark.parametrize("name", ["", "Nowhere/Town", "../etc/passwd", "Europe", "a\0b", "x" * 5000])
def test_a_zone_that_is_none_gives_the_default(name: str) -> None:
    assert find_zone(name) is None
    assert clock_of(name, "Asia/Tokyo").name == "Asia/Tokyo"
