"""Days, hours and weekdays in a user's own time zone, daylight saving included."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stream_app.settings.rules import DAY, HOUR, MINUTE

# All offsets in use, and all changes of them since 2023, are at whole quarters of an hour.
QUARTER = 15 * MINUTE
REMEMBERED_DAYS = 64
MOST_HOURS_OFF = 14  # Kiribati
_OFFSET = re.compile(r"(?:GMT|UTC)? ?([+-])(\d{1,2}):?(\d\d)?", re.ASCII)
_SIGNS = ("+", "-")
_ALL_DAYS = (1 << REMEMBERED_DAYS) - 1


class LocalTime(NamedTuple):
    """Days since 1970-01-01, hour 0 to 23 and weekday 0 (Monday) to 6, where the user is."""

    day: int
    hour: int
    weekday: int


def known_zone(told: str, known: str, at: float) -> str:
    """A user's time zone at event time `at`, given the known one and the one just reported by a tracker.

    It is a name in the IANA database, or an offset such as `+01:00`, which RudderStack's trackers send as
    `GMT+0100`. An offset is less specific than a name, so a known zone is kept if its clock shows the same
    time.
    """
    if is_time_zone(told):
        return told
    offset = _offset_name(told)
    if offset is None or (known and local_time(at, known) == local_time(at, offset)):
        return known
    return offset


@lru_cache(maxsize=1024)
def _offset_name(text: str) -> str | None:
    found = _OFFSET.fullmatch(text.strip())
    if found is None or int(found[2]) > MOST_HOURS_OFF or int(found[3] or 0) >= 60:
        return None
    return f"{found[1]}{int(found[2]):02}:{int(found[3] or 0):02}"


def _offset_seconds(name: str) -> float:
    seconds = int(name[1:3]) * HOUR + int(name[4:6]) * MINUTE
    return -seconds if name[0] == "-" else seconds


@lru_cache(maxsize=1024)
def is_time_zone(name: str) -> bool:
    """Whether a name is one of the IANA time zone database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed or too long names
        return False
    return True


def local_time(at: float, time_zone: str) -> LocalTime:
    """Event time `at` (epoch seconds) in a known time zone; "" is UTC."""
    return _local_hour(int(at // QUARTER), time_zone)


@lru_cache(maxsize=65_536)
def _local_hour(quarter: int, time_zone: str) -> LocalTime:
    at = quarter * QUARTER
    if time_zone[:1] in _SIGNS:
        at += _offset_seconds(time_zone)
    elif time_zone:
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
    """The number of consecutive active days up to the last one, at most `REMEMBERED_DAYS`."""
    return (~bits & (bits + 1)).bit_length() - 1
