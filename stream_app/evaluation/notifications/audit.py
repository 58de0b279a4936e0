"""Sends counted against the rules, apart from the code that decides: what was broken, and how often."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stream_app.planning.campaigns import Campaign
from stream_app.planning.segments import Segment

BROKEN = ("quiet_hours", "caps", "consent", "control")


class Receiver(NamedTuple):
    """What was true of a user at the moment of a send."""

    zone: str
    segment: Segment
    may_market: bool
    is_control: bool


class Audit:
    """Counts violations of one policy; days and weeks are those of each user's own calendar."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._by_day: Counter[tuple[str, str, date]] = Counter()
        self._by_week: Counter[tuple[str, str, date]] = Counter()
        self.violations = dict.fromkeys(BROKEN, 0)

    def note(self, user_key: str, kind: str, at: float, receiver: Receiver) -> None:
        """Look at one marketing send to a user at epoch second `at`."""
        channel = self._campaign.channel_by_name[self._campaign.by_name[kind].channel]
        local = datetime.fromtimestamp(at, ZoneInfo(receiver.zone))
        if channel.quiet_hours is not None:
            start, end = channel.quiet_hours
            minute = local.hour * 60 + local.minute
            quiet = start <= minute < end if start <= end else not end <= minute < start
            self.violations["quiet_hours"] += quiet
        day = local.date()
        monday = day - timedelta(days=day.weekday())
        self._by_day[user_key, channel.name, day] += 1
        self._by_week[user_key, channel.name, monday] += 1
        caps = channel.caps
        per_week = caps.per_week_by_segment.get(receiver.segment, caps.per_week)
        over_day = caps.per_day is not None and self._by_day[user_key, channel.name, day] > caps.per_day
        over_week = per_week is not None and self._by_week[user_key, channel.name, monday] > per_week
        self.violations["caps"] += over_day or over_week
        self.violations["consent"] += not receiver.may_market
        self.violations["control"] += receiver.is_control
