"""Milliseconds since the epoch on the wire, and the offsets of time zones."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from stream_app.simulation.settings import DAY_MS


@lru_cache(maxsize=64)
def format_day(day: int) -> str:
    """Date of a day counted from the epoch."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")


def format_time(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as trackers write it."""
    day, within = divmod(at_ms, DAY_MS)
    seconds, milliseconds = divmod(within, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{format_day(day)}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"


@lru_cache(maxsize=1024)
def offset_minutes(time_zone: str, noon_ms: int) -> int:
    """Minutes to add to UTC for the local time, at noon so that a change of clocks counts for its day."""
    offset = ZoneInfo(time_zone).utcoffset(datetime.fromtimestamp(noon_ms / 1000, UTC))
    return 0 if offset is None else int(offset.total_seconds() // 60)
