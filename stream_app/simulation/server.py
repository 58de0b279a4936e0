"""Events of the company's own servers: notifications sent, and labels that arrive later."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stream_app.simulation.catalogue import Integers
from stream_app.simulation.lifecycle import DayPlan
from stream_app.simulation.population import CHANNELS, KINDS, Population
from stream_app.simulation.settings import DAY_MS, SimulationSettings
from stream_app.simulation.visits import MINUTE_MS, Happening, Visitor, local_offsets

FIRST_LABEL_DAY = 3
LABEL_EVERY_DAYS = 7
OPENING_MINUTES = 8.0
MOST_OPENING_MINUTES = 45.0

_CONTEXT: dict[str, Any] = {"library": {"name": "server"}}


@dataclass(frozen=True)
class Mailing:
    """Notifications of a day: `details[n]` was sent at `sent_ms[n]`, opened at `opened_ms[n]` if at all."""

    sent_ms: Integers
    opened_ms: Integers
    details: list[dict[str, Any]]


def send_notifications(
    plan: DayPlan, population: Population, day_ms: int, draw: np.random.Generator
) -> Mailing:
    """Times and contents of the plan's notifications, at hours of each user's own clock."""
    count = len(plan.sent_user)
    local_minute = plan.sent_hour * 60 + draw.integers(0, 60, count)
    minute = (local_minute - local_offsets(population, plan.sent_user, day_ms)) % (DAY_MS // MINUTE_MS)
    sent_ms = day_ms + minute * MINUTE_MS + draw.integers(0, MINUTE_MS, count)
    delay = np.minimum(draw.exponential(OPENING_MINUTES, count), MOST_OPENING_MINUTES) * MINUTE_MS
    details = [
        {
            "notification_id": f"n{plan.day:04d}-{number:07d}",
            "channel": CHANNELS[channel],
            "kind": KINDS[kind],
        }
        for number, (channel, kind) in enumerate(zip(plan.sent_channel, plan.sent_kind, strict=True))
    ]
    # Opened within the day, so that a day's visits are that day's.
    opened_ms = np.minimum(sent_ms + 2_000 + delay.astype(np.int64), day_ms + DAY_MS - 1)
    return Mailing(sent_ms, np.maximum(opened_ms, sent_ms + 1), details)


def tell_sendings(
    plan: DayPlan, mailing: Mailing, population: Population
) -> Iterator[tuple[int, list[Happening]]]:
    """The day's "Notification Sent" events as (time in ms, happenings) in order of time."""
    for number in np.argsort(mailing.sent_ms, kind="stable").tolist():
        at_ms = int(mailing.sent_ms[number])
        visitor = _server_call(population, int(plan.sent_user[number]), at_ms)
        yield at_ms, [Happening(at_ms, "Notification Sent", visitor, True, detail=mailing.details[number])]


def tell_labels(
    settings: SimulationSettings, population: Population, day: int, draw: np.random.Generator
) -> Iterator[tuple[int, list[Happening]]]:
    """Tier labels that become known today, one a week for each labelled user, some of them wrong."""
    first_day = np.maximum(population.joined_on, 0) + FIRST_LABEL_DAY
    due = np.flatnonzero(
        population.is_labelled & (day >= first_day) & ((day - first_day) % LABEL_EVERY_DAYS == 0)
    )
    wrong = draw.random(len(due)) < settings.label_noise
    shift = np.where(wrong, draw.integers(1, 3, len(due)), 0)
    tiers = 1 + (population.tier[due] - 1 + shift) % 3
    times = settings.start_ms + day * DAY_MS + np.sort(draw.integers(0, DAY_MS, len(due)))
    for user, tier, at_ms in zip(due.tolist(), tiers.tolist(), times.tolist(), strict=True):
        yield at_ms, [Happening(at_ms, "label", _server_call(population, user, at_ms), True, detail=tier)]


def _server_call(population: Population, user: int, at_ms: int) -> Visitor:
    return Visitor(user, population.user_id(user), None, _CONTEXT, at_ms, latency_ms=25)
