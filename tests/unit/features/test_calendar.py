from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from stream_app.features.calendar import REMEMBERED_DAYS, is_time_zone, local_time, note_day, streak

ZONES = ["", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(3))
def test_the_clock_is_that_of_the_time_zone(zone: str, seed: int) -> None:
    random, epoch = Random(seed), datetime(1970, 1, 1)
    for _ in range(400):
        at = random.uniform(946_684_800, 2_000_000_000)
        told = datetime.fromtimestamp(at, ZoneInfo(zone) if zone else UTC)
        expected = (told.replace(tzinfo=None) - epoch).days, told.hour, told.weekday()
        assert local_time(at, zone) == expected


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        (datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC), [1, 3]),  # Berlin leaves out 2 o'clock
        (datetime(2024, 10, 27, 0, 59, 59, tzinfo=UTC), [2, 2]),  # and has it twice in autumn
    ],
)
def test_clocks_change_to_the_second(moment: datetime, hours: list[int]) -> None:
    times = [moment, moment + timedelta(seconds=1)]
    assert [local_time(time.timestamp(), "Europe/Berlin").hour for time in times] == hours


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Europe/Berlin", True),
        ("UTC", True),
        ("Europe/Atlantis", False),
        ("", False),
        ("../../etc/passwd", False),
        ("/etc/passwd", False),
        ("Europe", False),
        ("Europe/Berlin\x00", False),
        ("x" * 1_024, False),
        ("\ud800", False),
    ],
)
def test_only_names_of_the_database_are_time_zones(name: str, is_one: bool) -> None:
    assert is_time_zone(name) == is_one


@pytest.mark.parametrize("seed", range(20))
def test_days_in_any_order_are_remembered_back_to_their_limit(seed: int) -> None:
    random, bits, last, seen = Random(seed), 0, 0, set()
    day = 19_000
    for _ in range(60):
        day += random.choice([0, 1, 1, 1, 2, random.randrange(90)])
        active = day - random.choice([0, 0, 0, random.randrange(80)])
        bits, last = note_day(bits, last, active)
        seen.add(active)
        assert last == max(seen)
        back = {behind for behind in range(REMEMBERED_DAYS) if bits >> behind & 1}
        assert bits < 1 << REMEMBERED_DAYS
        # A day far behind the first to be seen is as good as any: none is forgotten within the limit.
        assert back == {last - one for one in seen if last - one < REMEMBERED_DAYS}
        length = 0
        while last - length in seen and length < REMEMBERED_DAYS:
            length += 1
        assert streak(bits) == length


def test_nobody_has_a_streak_before_the_first_day() -> None:
    assert streak(0) == 0
    assert streak((1 << REMEMBERED_DAYS) - 1) == REMEMBERED_DAYS
