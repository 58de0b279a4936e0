"""When and where a user uses something: first and last time, days, hours, client, country, referrer."""

from __future__ import annotations

from stream_app.features.automation import note_client
from stream_app.features.calendar import known_zone, local_time, note_day
from stream_app.features.statistics import count_category
from stream_app.features.user_row import UserRow
from stream_app.intake.ports import Cleaner, Surroundings
from stream_app.intake.wire import CallContext

MAX_CATEGORY_LENGTH = 32


def note_use(row: UserRow, context: CallContext, at: float, cleaner: Cleaner) -> Surroundings:
    """Note when (epoch seconds) and in what surroundings the user did something."""
    _note_time(row, context, at)
    surroundings = cleaner.describe(context)
    note_client(row, surroundings.is_bot, at)
    if surroundings.device:
        count_category(row.devices, surroundings.device)
    if surroundings.browser:
        count_category(row.browsers, surroundings.browser)
    if surroundings.os:
        count_category(row.systems, surroundings.os)
    if context.location is not None and context.location.country:
        count_category(row.countries, context.location.country[:MAX_CATEGORY_LENGTH])
    if surroundings.referrer_medium:
        count_category(row.referrers, surroundings.referrer_medium)
    plan = row.traits.get("plan")
    if isinstance(plan, str):
        count_category(row.plans, plan)
    return surroundings


def _note_time(row: UserRow, context: CallContext, at: float) -> None:
    if not row.first_at:
        row.first_at = row.last_at = at
    elif at > row.last_at:
        row.last_at = at
    elif at < row.first_at:
        row.first_at = at
    if context.timezone and context.timezone != row.time_zone:
        row.time_zone = known_zone(context.timezone, row.time_zone, at)
    day, hour, weekday = local_time(at, row.time_zone)
    row.hours[hour] += 1
    row.weekdays[weekday] += 1
    if day != row.last_active_day:
        bits, last_day = note_day(row.active_day_bits, row.last_active_day, day)
        row.active_days += bits != row.active_day_bits or last_day != row.last_active_day
        row.active_day_bits, row.last_active_day = bits, last_day
