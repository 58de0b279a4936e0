"""Days, hours and weekdays in a user's own time zone, daylight saving included."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stream_app.settings.rules import DAY, HOUR, MINUTE

# Every offset in use, and every change of one since 2023, is at a whole quarter of an hour.
QUARTER = 15 * MINUTE
REMEMBERED_DAYS = 64
_ALL_DAYS = (1 << REMEMBERED_DAYS) - 1


class LocalTime(NamedTuple):
    """Days since 1970-01-01, hour 0 to 23 and weekday 0 (Monday) to 6, where the user is."""

    day: int
    hour: int
    weekday: int


@lru_cache(maxsize=1024)
def is_time_zone(name: str) -> bool:
    """Whether a name is one of the IANA time zone database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # by whether it is unknown, no name at all, or too long for one
        return False
    return True


def local_time(at: float, time_zone: str) -> LocalTime:
    """Event time `at` (epoch seconds) by the clock of a known time zone; "" is UTC."""
    return _local_hour(int(at // QUARTER), time_zone)


@lru_cache(maxsize=65_536)
def _local_hour(quarter: int, time_zone: str) -> LocalTime:
    at = quarter * QUARTER
    if time_zone:
        offset = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(time_zone)).utcoffset()
        at += offset.total_seconds() if offset is not None else 0.0
    day = int(at // DAY)
    return LocalTime(day, int(at % DAY // HOUR), (day + 3) % 7)


def note_day(bits: int, last_day: int, day: int) -> tuple[int, int]:
    """Mark a day as active; bit 0 stands for `last_day`, bit n for n days before it."""
    if day >= last_day:
        return ((bits << (day - last_day)) & _ALL_DAYS) | 1 if day - last_day < REMEMBERED_DAYS else 1, day
    behind = last_day - day
    return (bits | 1 << behind if behind < REMEMBERED_DAYS else bits), last_day


def streak(bits: int) -> int:
    """How many days in a row up to the last active one, at most `REMEMBERED_DAYS`."""
    return (~bits & (bits + 1)).bit_length() - 1
