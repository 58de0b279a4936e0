"""The marketing format: a table of users with their tiers, and a table of their sessions, as one stream.

Each user is identified when their first session begins, each session is sent when it ends, and the tier, if
the table has one, becomes known right after the user's last session.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from stream_app.errors import InputError
from stream_app.intake.sources.source import wire_event
from stream_app.intake.sources.tables import read_table

USER_COLUMNS = ("user_id", "age", "abandoned_cart", "user_category")
SESSION_COLUMNS = (
    "user_id", "session_id", "timestamp", "device_type", "browser", "operating_system", "ip_address",
    "country", "search_query", "page_views", "session_duration",
)  # fmt: skip
TARGET = "marketing_target"
TICK = timedelta(milliseconds=1)
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # for users without any known facts


class _Moment(NamedTuple):
    at: datetime
    order: int
    user: str
    value: bytes


class MarketingTables:
    """Users and sessions in time order.

    Raises:
        InputError: a table is not in this format.
    """

    is_live = False

    def __init__(self, users: Path, sessions: Path) -> None:
        self._users, self._sessions = users, sessions
        self._moments = sorted(self._read())

    @property
    def name(self) -> str:
        """The two files' full paths."""
        return f"marketing:{self._users.resolve()}|{self._sessions.resolve()}"

    def size(self) -> int | None:
        """The number of events."""
        return len(self._moments)

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """The events, oldest first."""
        for number, moment in enumerate(islice(self._moments, skip, None), start=skip + 1):
            yield moment.value, number

    def users_without_sessions(self) -> Iterator[bytes]:
        """Users in the table without sessions, identified at the end of the stream."""
        present = {moment.user for moment in self._moments}
        end = self._moments[-1].at if self._moments else NO_TIME
        for row in read_table(self._users, USER_COLUMNS, delimiter=";"):
            if row["user_id"] not in present:
                yield _identify_event(row, end)

    def _read(self) -> Iterator[_Moment]:
        spans: dict[str, tuple[datetime, datetime]] = {}
        for number, row in enumerate(read_table(self._sessions, SESSION_COLUMNS), start=2):
            user = row["user_id"]
            try:
                started_at = datetime.fromisoformat(row["timestamp"])
                if started_at.tzinfo is None:
                    started_at = started_at.replace(tzinfo=UTC)
                duration = float(row["session_duration"])
                page_views = int(row["page_views"])
                ended_at = started_at + timedelta(seconds=duration)
            except (ValueError, OverflowError) as error:
                raise InputError(f"{self._sessions}, line {number}: {error}") from None
            first, last = spans.get(user, (started_at, ended_at))
            spans[user] = (min(first, started_at), max(last, ended_at))
            yield _Moment(ended_at, 1, user, _session_event(row, ended_at, duration, page_views))
        for row in read_table(self._users, USER_COLUMNS, delimiter=";"):
            user = row["user_id"]
            if user not in spans:
                continue
            first, last = spans[user]
            yield _Moment(first, 0, user, _identify_event(row, first))
            if row.get(TARGET):
                yield _Moment(last + TICK, 2, user, _label_event(row, last + TICK))


def _session_event(row: dict[str, str], ended_at: datetime, duration: float, page_views: int) -> bytes:
    return wire_event(
        "session",
        messageId=row["session_id"],
        userId=row["user_id"],
        timestamp=ended_at,
        context={
            "ip": row["ip_address"],
            "device": {"type": row["device_type"]},
            "browser": {"name": row["browser"]},
            "os": {"name": row["operating_system"]},
            "location": {"country": row["country"]},
        },
        properties={
            "sessionId": row["session_id"],
            "pageViews": page_views,
            "duration": duration,
            "searchQuery": row["search_query"] or None,
        },
    )


def _identify_event(row: dict[str, str], at: datetime) -> bytes:
    age = float(row["age"]) if row["age"].replace(".", "", 1).isdecimal() else None
    traits = {"age": age, "abandoned_cart": row["abandoned_cart"], "user_category": row["user_category"]}
    return wire_event(
        "identify",
        messageId=f"identify:{row['user_id']}",
        userId=row["user_id"],
        timestamp=at,
        traits={name: value for name, value in traits.items() if value not in (None, "")},
    )


def _label_event(row: dict[str, str], at: datetime) -> bytes:
    return wire_event(
        "label",
        messageId=f"label:{row['user_id']}",
        userId=row["user_id"],
        timestamp=at,
        properties={"target": TARGET, "value": int(row[TARGET]) if row[TARGET].isdecimal() else row[TARGET]},
    )
