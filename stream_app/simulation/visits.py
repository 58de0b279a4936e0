"""Visits of a day drawn in bulk: when, on which device, from where, past which items."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from stream_app.simulation.catalogue import Integers, Page
from stream_app.simulation.devices import COUNTRIES, DEVICES
from stream_app.simulation.lifecycle import DayPlan
from stream_app.simulation.oracle import Market
from stream_app.simulation.population import HOUR_PROFILES, Population
from stream_app.simulation.settings import DAY_MS
from stream_app.simulation.time import offset_minutes

# Anonymous part of a visit that identifies part way, on average.
ANONYMOUS_PART = 0.62
MOST_STEPS = 40
BLOCK = 10_000
MINUTE_MS = 60_000
LEAST_ABSENCE_MS = 10 * MINUTE_MS
MOST_ABSENCE_MS = 3 * DAY_MS
MOST_DWELL_MS = 20 * MINUTE_MS
_MOBILE = np.array([device.is_mobile for device in DEVICES])


@dataclass(slots=True)
class Visitor:
    """One visit's fixed facts, shared by all of its events."""

    user: int
    user_id: str | None
    anonymous_id: str | None
    context: dict[str, Any]
    start_ms: int
    is_app: bool = False
    is_bot: bool = False
    latency_ms: int = 0
    clock_skew_ms: int = 0
    absence_ms: int = 0


class Happening(NamedTuple):
    """One event before delivery; `is_known` says whether the tracker knows the user by then."""

    at_ms: int
    kind: str
    visitor: Visitor
    is_known: bool
    page: Page | None = None
    referrer: str = ""
    detail: Any = None


class Itinerary(NamedTuple):
    """Draws of one session: items in order with the route to each and the time spent (ms) at each."""

    user: int
    start_ms: int
    device_slot: int
    is_first: bool
    is_fresh: bool
    buys: bool
    adds: bool
    notification: int
    absence_ms: int
    items: list[int]
    routes: list[int]
    dwells: list[int]


def draw_starts(
    plan: DayPlan, population: Population, weekday: int, day_ms: int, draw: np.random.Generator
) -> Integers:
    """Start of each session of the plan (ms) by its user's local rhythm, within the UTC day."""
    user = plan.session_user
    bounds = HOUR_PROFILES[:, int(weekday >= 5)].cumsum(axis=1)[population.rhythm[user]]
    hour = (bounds < draw.random((len(user), 1))).sum(axis=1).clip(0, 23)
    local_ms = hour * 60 * MINUTE_MS + draw.integers(0, 60 * MINUTE_MS, len(user))
    starts = day_ms + (local_ms - local_offsets(population, user, day_ms) * MINUTE_MS) % DAY_MS
    # A user's sessions stand together in the plan: put theirs in order, so that the first is the earliest.
    in_order: Integers = starts[np.lexsort((starts, user))]
    return in_order


def local_offsets(population: Population, user: Integers, day_ms: int) -> Integers:
    """Minutes that each user's clock is ahead of UTC."""
    noon = day_ms + DAY_MS // 2
    offsets = np.array([offset_minutes(country.time_zone, noon) for country in COUNTRIES])
    of_user: Integers = offsets[population.country[user]]
    return of_user


def draw_itineraries(
    plan: DayPlan,
    starts: Integers,
    notifications: Integers,
    population: Population,
    market: Market,
    draw: np.random.Generator,
) -> Iterator[Itinerary]:
    """All sessions of a day in order of their start.

    Args:
        plan: who comes and with what result.
        starts: start of each session in ms (sessions,).
        notifications: index of the notification that a session starts from, or -1 (sessions,).
        population: hidden habits.
        market: what is on offer today.
        draw: randomness of this day.
    """
    settings = population.settings
    user = plan.session_user
    count = len(user)
    is_joining = (population.joined_on[user] == plan.day) & (plan.session_rank == 0)
    lacking = settings.anonymous_share / ANONYMOUS_PART * count - is_joining.sum()
    is_fresh = is_joining | (draw.random(count) < lacking / max(count - is_joining.sum(), 1))
    slot = (draw.random(count) * population.device_count[user]).astype(np.int64)
    slot[draw.random(count) < 0.7] = 0
    length = 1 + draw.poisson(population.steps[user] * draw.gamma(4.0, 0.25, count))
    length = np.minimum(np.where(plan.buys, np.maximum(length, 2), length), MOST_STEPS)
    is_mobile = _MOBILE[population.devices[user, slot]]
    mobile_part = length[is_mobile].sum() / max(length.sum(), 1)
    is_offline = is_mobile & (draw.random(count) < settings.late_share / max(mobile_part, 0.05))
    absence = np.exp(draw.normal(np.log(90 * MINUTE_MS), 1.3, count)).clip(LEAST_ABSENCE_MS, MOST_ABSENCE_MS)
    absence_ms = np.where(is_offline, absence, 0).astype(np.int64)

    order = np.argsort(starts, kind="stable")
    for first in range(0, count, BLOCK):
        block = order[first : first + BLOCK]
        items, routes, dwells = _walk(population, user[block], length[block], market, draw)
        columns = zip(
            user[block].tolist(),
            starts[block].tolist(),
            slot[block].tolist(),
            is_joining[block].tolist(),
            is_fresh[block].tolist(),
            plan.buys[block].tolist(),
            plan.adds[block].tolist(),
            notifications[block].tolist(),
            absence_ms[block].tolist(),
            _rows(items, length[block]),
            _rows(routes, length[block]),
            _rows(dwells, length[block]),
            strict=True,
        )
        yield from map(Itinerary._make, columns)


def _rows(table: Integers, lengths: Integers) -> list[list[int]]:
    """The first `lengths[n]` entries of each row n."""
    return [row[:length] for row, length in zip(table.tolist(), lengths.tolist(), strict=True)]


def _walk(
    population: Population, user: Integers, length: Integers, market: Market, draw: np.random.Generator
) -> tuple[Integers, Integers, Integers]:
    """Items, routes and dwell times (ms) of n sessions, step by step for all at once: (n, longest) each."""
    taste = population.taste[user]
    longest = int(length.max())
    items = np.zeros((len(length), longest), dtype=np.int64)
    routes = np.zeros_like(items)
    items[:, 0] = market.choose_entries(taste, draw)
    for step in range(1, longest):
        going = np.flatnonzero(length > step)
        items[going, step], routes[going, step] = market.choose_next(
            taste[going], items[going, step - 1], draw
        )
    liking = np.einsum("nd,nsd->ns", taste, market.catalogue.latent[items])
    seconds = np.exp(draw.normal(0.0, 0.6, items.shape) + population.dwell[user][:, None] + 0.1 * liking)
    return items, routes, (1000 * seconds).clip(1_500, MOST_DWELL_MS).astype(np.int64)
