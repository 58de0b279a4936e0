"""Milliseconds since the epoch on the wire, and the offsets of time zones."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=8192)
def _format_minute(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:")


def format_time(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as trackers write it."""
    minute, rest = divmod(at_ms, 60_000)
    return f"{_format_minute(minute)}{rest // 1000:02}.{rest % 1000:03}Z"


@lru_cache(maxsize=1024)
def offset_minutes(time_zone: str, noon_ms: int) -> int:
    """Minutes to add to UTC for the local time, at noon so that a change of clocks counts for its day."""
    offset = ZoneInfo(time_zone).utcoffset(datetime.fromtimestamp(noon_ms / 1000, UTC))
    return 0 if offset is None else int(offset.total_seconds() // 60)
