"""A user's own clock: local days and weeks, quiet hours, and the moments of an hour, exact over changes.

Everything is compared in UTC epoch seconds; a local time is only ever derived from one, so that an hour that
happens twice or never needs no rule of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)", re.ASCII)


class QuietHours(NamedTuple):
    """Local minutes of the day from `start` to before `end`; over midnight where `start` is later."""

    start: int
    end: int

    def covers(self, minute: int) -> bool:
        """Whether a local minute of the day is quiet; equal bounds are never quiet."""
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


class LocalClock:
    """The clock of one time zone."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    @property
    def name(self) -> str:
        """The zone's IANA name, or its offset."""
        return str(self._zone)

    def local(self, at: float) -> datetime:
        """The local time at an epoch second."""
        return datetime.fromtimestamp(at, self._zone)

    def day(self, at: float) -> date:
        """The local calendar day."""
        return self.local(at).date()

    def week(self, at: float) -> date:
        """The Monday of the local calendar week."""
        day = self.day(at)
        return day - timedelta(days=day.weekday())

    def minute(self, at: float) -> int:
        """The local minute of the day."""
        local = self.local(at)
        return local.hour * 60 + local.minute

    def starts_of_hours(self, first: float, last: float) -> Iterator[tuple[float, datetime]]:
        """Moments (epoch seconds) with their local time: `first` itself, then each full local hour to `last`.

        Steps are fifteen minutes of real time, so an hour that is repeated is met twice, and one that is
        skipped never; zones that are off by a quarter are met at their own full hours.
        """
        if first < last:
            yield first, self.local(first)
        at = (first // 900 + 1) * 900
        while at < last:
            local = self.local(at)
            if local.minute == 0:
                yield at, local
                at += 2700
            at += 900


@lru_cache(maxsize=1024)
def clock_of(time_zone: str, default: str) -> LocalClock:
    """The clock of a zone by its IANA name, or of the default where that name is none."""
    return LocalClock(find_zone(time_zone) or find_zone(default) or ZoneInfo("UTC"))


@lru_cache(maxsize=1024)
def find_zone(name: str) -> tzinfo | None:
    """A zone by its IANA name or its offset, as "+05:30", which rows hold; None where there is none such."""
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(ahead if offset[1] == "+" else -ahead, name)
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def utc(at: float) -> datetime:
    """Epoch seconds as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)
