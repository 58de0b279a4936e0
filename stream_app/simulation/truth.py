"""Hidden truth, one record a line, told apart by `kind`; never part of the events."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from stream_app.simulation.catalogue import Catalogue, Floats
from stream_app.simulation.courses import Courses
from stream_app.simulation.delivery import Arrival
from stream_app.simulation.devices import COUNTRIES
from stream_app.simulation.lifecycle import DayPlan, Lifecycle
from stream_app.simulation.population import CHANNELS, KINDS, SENDING_HOURS, Population
from stream_app.simulation.server import Mailing
from stream_app.simulation.settings import DAY_MS, SimulationSettings
from stream_app.simulation.time import format_time
from stream_app.simulation.visits import Happening, Itinerary

Record = dict[str, Any]
USER_BLOCK = 10_000
SENDING_HOUR_NAMES = tuple(map(str, SENDING_HOURS.tolist()))


def describe_settings(settings: SimulationSettings) -> Record:
    """First line of the truth, from which `read_settings` builds the same settings."""
    return {"kind": "settings", **asdict(settings), "start": settings.start.isoformat()}


def describe_items(catalogue: Catalogue) -> Iterator[Record]:
    """Hidden attributes of each item."""
    latent = catalogue.latent.round(6).tolist()
    popularity = catalogue.log_popularity.round(6).tolist()
    for item, item_id in enumerate(catalogue.item_ids):
        yield {
            "kind": "item",
            "item_id": item_id,
            "latent": latent[item],
            "log_popularity": popularity[item],
            "released_on": int(catalogue.released_on[item]),
        }


def describe_courses(courses: Courses) -> Iterator[Record]:
    """Of each course, the hidden probability that whoever starts it completes it."""
    for course, completion in enumerate(courses.completion.round(6).tolist()):
        yield {"kind": "course", "item_id": courses.item_id(course), "completion": completion}


def describe_users(
    settings: SimulationSettings, population: Population, lifecycle: Lifecycle
) -> Iterator[Record]:
    """Hidden traits of each user and, where it came to that, when they left for good.

    `emails`, `phones` and `addresses` are the personal data planted in the user's events.
    """
    mean_opening = population.mean_opening()
    for first in range(0, settings.users, USER_BLOCK):
        block = slice(first, first + USER_BLOCK)
        columns = {
            "tier": population.tier[block].tolist(),
            "engagement": _rounded(population.engagement[block]),
            "taste": _rounded(population.taste[block]),
            "joined_on": population.joined_on[block].tolist(),
            "rhythm": population.rhythm[block].tolist(),
            "visit_by_weekday": _rounded(population.visit[block]),
            "leave": _rounded(population.leave[block]),
            "more_sessions": _rounded(population.more_sessions[block]),
            "buy": _rounded(population.buy[block]),
            "add": _rounded(population.add[block]),
            "steps": _rounded(population.steps[block]),
            "dwell": _rounded(population.dwell[block]),
            "notified": _rounded(population.notified[block]),
            "open": _rounded(mean_opening[block]),
            "open_level": _rounded(population.open_level[block]),
            "open_by_channel": _named(CHANNELS, population.open_channel[block]),
            "open_by_kind": _named(KINDS, population.open_kind[block]),
            "open_by_hour": _named(SENDING_HOUR_NAMES, population.open_hour[block]),
        }
        for user, values in enumerate(zip(*columns.values(), strict=True), first):
            traits = population.traits(user)
            left_on = int(lifecycle.left_on[user])
            yield {
                "kind": "user",
                "user_id": population.user_id(user),
                **dict(zip(columns, values, strict=True)),
                "left_at": format_time(settings.start_ms + (left_on + 1) * DAY_MS) if left_on >= 0 else None,
                "time_zone": COUNTRIES[population.country[user]].time_zone,
                "emails": [traits["email"]],
                "phones": [traits["phone"]],
                "addresses": [population.address(user, False), population.address(user, True)],
            }


def describe_outlook(population: Population, lifecycle: Lifecycle, day: int) -> Iterator[Record]:
    """Each known user's probabilities at the start of a day, in the order of the settings' horizons.

    `returns`, `buys` and `churns` (no return) know habits and visits so far; `present` is the
    probability of not having left that follows; `is_present` is whether the user truly has not.
    """
    settings = lifecycle.settings
    outlook = lifecycle.foresee(day)
    at = format_time(settings.start_ms + day * DAY_MS)
    known = np.flatnonzero(population.joined_on < day)
    columns = zip(
        known.tolist(),
        lifecycle.is_present[known].tolist(),
        outlook.presence[known].round(6).tolist(),
        outlook.returning[known].round(6).tolist(),
        (1 - outlook.returning[known]).round(6).tolist(),
        outlook.buying[known].round(6).tolist(),
        strict=True,
    )
    for user, is_present, presence, returns, churns, buys in columns:
        yield {
            "kind": "outlook",
            "user_id": population.user_id(user),
            "at": at,
            "is_present": is_present,
            "present": presence,
            "returns": returns,
            "churns": churns,
            "buys": buys,
        }


def describe_visit(way: Itinerary, happenings: list[Happening], catalogue: Catalogue) -> Record:
    """One visit as it was, whatever the trackers make of it; `ended_at` is its last event."""
    visitor = happenings[0].visitor
    return {
        "kind": "visit",
        "user_id": visitor.user_id,
        "anonymous_id": visitor.anonymous_id,
        "started_at": format_time(happenings[0].at_ms),
        "ended_at": format_time(happenings[-1].at_ms),
        "items": [catalogue.item_ids[item] for item in way.items],
        "buys": way.buys,
        "adds": way.adds,
        "is_anonymous_at_first": way.is_fresh,
    }


def describe_notifications(plan: DayPlan, mailing: Mailing, population: Population) -> Iterator[Record]:
    """Each notification with the probability that a user who is there opens it."""
    user, hour = plan.sent_user, plan.sent_hour - SENDING_HOURS[0]
    opening = (
        population.open_level[user]
        * population.open_hour[user, hour]
        * population.open_channel[user, plan.sent_channel]
        * population.open_kind[user, plan.sent_kind]
    ).round(6)
    for number, detail in enumerate(mailing.details):
        yield {
            "kind": "notification",
            "notification_id": detail["notification_id"],
            "user_id": population.user_id(int(user[number])),
            "opens": float(opening[number]),
            "is_opened": bool(plan.is_opened[number]),
        }


def describe_flaws(arrival: Arrival) -> Iterator[Record]:
    """What is amiss with a delivery, if anything; a repeated message has a record for each repeat."""
    is_bot = arrival.happening.visitor.is_bot
    if is_bot or arrival.is_late or arrival.is_repeat:
        yield {
            "kind": "event",
            "message_id": arrival.message_id,
            "is_bot": is_bot,
            "is_late": arrival.is_late,
            "is_repeat": arrival.is_repeat,
        }


def _rounded(values: Floats) -> list[Any]:
    rounded: list[Any] = values.round(6).tolist()
    return rounded


def _named(names: tuple[str, ...], rows: Floats) -> list[Record]:
    return [dict(zip(names, row, strict=True)) for row in _rounded(rows)]
