"""Every aggregate of a user's row but windows and sessions, from all events that the oracle kept of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from math import fsum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from properties.features.oracle.every_event import History, Kept
from properties.features.oracle.facts import item_of, liked, ordered, revenue_of, viewed_item

from stream_app.features.interests import HALF_LIFE, MAX_NAMES
from stream_app.features.statistics import MAX_CATEGORIES, OTHER
from stream_app.features.user_row import MAX_RECENT_ITEMS, MAX_TOP_NAMES, MAX_TRAITS
from stream_app.intake.properties import MAX_TRAIT_LENGTH

KNOWN_ZONES = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"}
PERSONAL = {"email", "firstName"}


class Dated(NamedTuple):
    """How many there were, and when the last was."""

    times: int
    last_at: float


def kinds_of(history: History) -> dict[str, Dated]:
    """By type of event."""
    return {
        kind: _dated(kept for kept in history.kept if kept.kind == kind)
        for kind in {kept.kind for kept in history.kept}
    }


def actions_of(history: History, most: int = MAX_TOP_NAMES) -> dict[str, Dated]:
    """By name of action. A new name beyond the limit takes the place of the one done longest ago."""
    held: dict[str, list[Kept]] = {}
    for kept in history.kept:
        if not kept.action:
            continue
        if kept.action not in held and len(held) == most:
            del held[min(held, key=lambda name: (max(one.at for one in held[name]), name))]
        held.setdefault(kept.action, []).append(kept)
    return {name: _dated(done) for name, done in held.items()}


def decayed(weights: Iterable[tuple[float, float]], at: float, half_life: float) -> float:
    """The sum of (weight, time), each halved with every half-life that passed since."""
    return fsum(weight * 0.5 ** ((at - then) / half_life) for weight, then in weights)


def orders_of(history: History) -> list[tuple[float, float]]:
    """(revenue, time) of each order, in order of arrival."""
    return [(revenue_of(kept), kept.at) for kept in history.single_uses if kept.action == "Order Completed"]


def shares_of(history: History, named: str) -> Counter[str]:
    """How often each device, browser, os, country, plan or referrer was there at a use.

    What is new beyond the limit is counted together.
    """
    read: dict[str, Callable[[Kept], Any]] = {
        "device": lambda kept: kept.context.get("device", {}).get("type"),
        "browser": lambda kept: kept.context.get("browser", {}).get("name"),
        "os": lambda kept: kept.context.get("os", {}).get("name"),
        "country": lambda kept: kept.context.get("location", {}).get("country"),
        "plan": lambda kept: traits_of(history, kept.offset).get("plan"),
        "referrer": lambda kept: kept.context.get("page", {}).get("referrer"),
    }
    seen = [name for name in map(read[named], history.uses) if name]
    own = list(dict.fromkeys(seen))[:MAX_CATEGORIES]
    return Counter(name if name in own else OTHER for name in seen)


def zone_of(history: History, offset: int) -> str:
    """The time zone that was known once the event at an offset had come."""
    told = [
        kept.context["timezone"]
        for kept in history.uses
        if kept.offset <= offset and kept.context.get("timezone") in KNOWN_ZONES
    ]
    return str(told[-1]) if told else ""


def local(at: float, zone: str) -> datetime:
    """Event time on the user's clock."""
    return datetime.fromtimestamp(at, ZoneInfo(zone) if zone else UTC)


def local_times(history: History) -> list[datetime]:
    """Each use on the clock that the user was known to have then."""
    return [local(kept.at, zone_of(history, kept.offset)) for kept in history.uses]


def day_number(moment: datetime) -> int:
    """Days since 1970-01-01 by the clock shown."""
    return moment.date().toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def streak_of(days: set[int]) -> int:
    """Days in a row up to the last one."""
    length = 0
    while days and max(days) - length in days:
        length += 1
    return length


def recent_items(history: History) -> list[str]:
    """The last items looked at, in order of arrival."""
    return _looked_at(history)[-MAX_RECENT_ITEMS:]


def item_counts(history: History) -> Counter[str]:
    """How often each item was looked at: all of them."""
    return Counter(_looked_at(history))


def bought_items(history: History) -> list[str]:
    """The last items bought, in order of arrival."""
    orders = [kept for kept in history.single_uses if kept.action == "Order Completed"]
    bought = [item_of(product) for kept in orders for product in ordered(kept)]
    return [item for item in bought if item is not None][-MAX_RECENT_ITEMS:]


class InterestOracle:
    """One facet: the names held, each with all weights that were given to it since it was last taken in."""

    def __init__(self, history: History, facet: int) -> None:
        self.held: dict[str, list[tuple[float, float]]] = {}
        self.is_decided = True
        for kept in history.kept:
            for _, name, weight in [found for found in liked(kept) if found[0] == facet]:
                if name not in self.held and len(self.held) == MAX_NAMES:
                    self._make_room(kept.at)
                self.held.setdefault(name, []).append((weight, kept.at))

    def affinities(self, at: float) -> dict[str, float]:
        """The decayed weights at one time."""
        return {name: decayed(weights, at, HALF_LIFE) for name, weights in self.held.items()}

    def _make_room(self, at: float) -> None:
        strengths = self.affinities(at)
        weakest = min(strengths, key=lambda name: (strengths[name], name))
        for name, strength in strengths.items():
            # As good as equal, but not by the same events in the same order: rounding may decide.
            if self.held[name] != self.held[weakest] and strength < strengths[weakest] * (1 + 1e-9):
                self.is_decided = False
        del self.held[weakest]


def traits_of(history: History, until: int) -> dict[str, float | str]:
    """The traits told up to an offset: the first names, each with its newest value."""
    known: dict[str, float | str] = {}
    for kept in history.kept:
        if kept.kind not in {"identify", "group"} or kept.offset > until:
            continue
        for name, value in kept.event["traits"].items():
            if name in PERSONAL or not isinstance(value, bool | int | float | str):
                continue
            if isinstance(value, str) and ("@" in value or len(value) > MAX_TRAIT_LENGTH):
                continue
            if name in known or len(known) < MAX_TRAITS:
                known[name] = value if isinstance(value, str) else float(value)
    return known


def control_group_of(history: History) -> str:
    """The control group told last."""
    group = ""
    for kept in history.kept:
        told = kept.event["traits"].get("control_group") if kept.kind in {"identify", "group"} else None
        if isinstance(told, bool):
            group = "control" if told else ""
        elif isinstance(told, str) and len(told) <= MAX_TRAIT_LENGTH:
            group = told
    return group


def _looked_at(history: History) -> list[str]:
    return [item for item in map(viewed_item, history.single_uses) if item is not None]


def _dated(kept: Iterable[Kept]) -> Dated:
    times = [one.at for one in kept]
    return Dated(len(times), max(times))
