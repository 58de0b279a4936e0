"""Caps, cool-down and quiet hours of one user, by their own calendar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from stream_app.features.notified import Sent
from stream_app.planning.campaigns import Campaign, Caps, NotificationType, ScheduleTrigger
from stream_app.planning.keyed import keyed_share
from stream_app.planning.local_time import LocalClock
from stream_app.planning.reasons import Reason
from stream_app.planning.segments import Segment


class Limits:
    """What one user's campaign and past sends allow.

    A send that lies ahead, as after a clock was set back, counts for the day and week asked about, so that no
    clock can have a cap exceeded.
    """

    def __init__(
        self,
        campaign: Campaign,
        user_key: str,
        segment: Segment | None,
        sent: Sequence[Sent],
        clock: LocalClock,
    ) -> None:
        self._campaign = campaign
        self._segment = segment
        self._clock = clock
        self._share = keyed_share("spread", campaign.name, user_key)
        self._days = [(clock.day(each.at), each.channel) for each in sent if each.is_marketing]
        self._found: dict[tuple[str, bool, float, float], tuple[list[tuple[float, int]], Reason]] = {}
        self._newest: dict[str, float] = {}
        for each in sent:
            self._newest[each.kind] = max(each.at, self._newest.get(each.kind, each.at))

    def against(self, kind: NotificationType, at: float) -> Reason | None:
        """Why the type may not be sent at epoch second `at`; None where it may."""
        if not kind.is_marketing:
            return None
        local = self._clock.local(at)
        quiet = self._campaign.channel_by_name[kind.channel].quiet
        if quiet is not None and quiet.covers(local.hour * 60 + local.minute):
            return Reason.QUIET_HOURS
        return self.resting(kind, at) or self.capped(kind, local.date())

    def resting(self, kind: NotificationType, at: float) -> Reason | None:
        """Whether the type rests after its last send."""
        return Reason.COOL_DOWN if at < self._rested_at(kind) else None

    def moments(
        self, kind: NotificationType, now: float, not_before: float = 0.0
    ) -> tuple[dict[float, int], Reason]:
        """Moments at which the type may be sent while it is worth it, with their local hours.

        They begin with `now` or `not_before` and go on by full local hours. The reason is the last one that
        stood against a moment; it counts where there is none.
        """
        last = now + kind.valid_for
        if not kind.is_marketing:
            return {now: self._clock.local(now).hour}, Reason.EXPIRED
        rested_at = self._rested_at(kind)
        if rested_at >= last:
            return {}, Reason.COOL_DOWN
        first = max(now, not_before, rested_at)
        open_moments, reason = self._open_moments(kind, first, last)
        return dict(open_moments), reason

    def _rested_at(self, kind: NotificationType) -> float:
        newest = self._newest.get(kind.name)
        return 0.0 if newest is None else newest + kind.cool_down

    def _open_moments(
        self, kind: NotificationType, first: float, last: float
    ) -> tuple[list[tuple[float, int]], Reason]:
        # Types of one channel and sort of trigger share these, which take longest to find.
        key = (kind.channel, isinstance(kind.trigger, ScheduleTrigger), first, last)
        if key not in self._found:
            found, reason, by_day = [], Reason.EXPIRED, dict[date, Reason | None]()
            quiet = self._campaign.channel_by_name[kind.channel].quiet
            for at, local in self._clock.starts_of_hours(first, last):
                day = local.date()
                if day not in by_day:
                    by_day[day] = self.capped(kind, day)
                capped = by_day[day]
                if capped is not None:
                    reason = capped
                elif quiet is not None and quiet.covers(local.hour * 60 + local.minute):
                    reason = Reason.QUIET_HOURS
                else:
                    found.append((at, local.hour))
            self._found[key] = found, reason
        return self._found[key]

    def capped(self, kind: NotificationType, day: date) -> Reason | None:
        """Whether the caps of the type's channel, and those shared by all, leave no room on a local day."""
        own = [sent_on for sent_on, channel in self._days if channel == kind.channel]
        everywhere = [sent_on for sent_on, _ in self._days]
        channel = self._campaign.channel_by_name[kind.channel]
        return self._reached(channel.caps, own, day, kind) or self._reached(
            self._campaign.shared_caps, everywhere, day, kind
        )

    def _reached(self, caps: Caps, days: Iterable[date], day: date, kind: NotificationType) -> Reason | None:
        monday = day - timedelta(days=day.weekday())
        this_week = [sent_on for sent_on in days if sent_on >= monday]
        if caps.per_day is not None and sum(sent_on >= day for sent_on in this_week) >= caps.per_day:
            return Reason.DAY_CAP
        of_week = caps.of_week(self._segment)
        if of_week is None:
            return None
        if len(this_week) >= of_week:
            return Reason.WEEK_CAP
        # What is merely scheduled is spread over the week, each user's on days of their own.
        first = (len(this_week) + self._share) * 7 / of_week
        if isinstance(kind.trigger, ScheduleTrigger) and day.weekday() < int(first):
            return Reason.SPREAD
        return None
