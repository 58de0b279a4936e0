"""Random streams of several users as trackers send them, out of order, repeated, late and badly timed.

Hypothesis draws what a stream is like and a seed; the seed draws its events. Times are whole eighths of a
second, so that sums of them are exact in whatever order they are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson
from hypothesis import strategies as st

from stream_app.settings.rules import Rules

JsonObject = dict[str, Any]

SESSION_GAP = Rules().session_gap
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
# A few days before a change to or from daylight saving, in UTC.
CLOCK_CHANGES = {
    "Europe/Berlin": (datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 10, 27, 1, tzinfo=UTC)),
    "America/New_York": (datetime(2024, 3, 10, 7, tzinfo=UTC), datetime(2024, 11, 3, 6, tzinfo=UTC)),
    "Australia/Lord_Howe": (datetime(2024, 4, 6, 15, tzinfo=UTC), datetime(2024, 10, 5, 15, 30, tzinfo=UTC)),
}
ZONES = [*CLOCK_CHANGES, "Asia/Kolkata", "UTC", "", "Mars/Olympus_Mons"]
VIEWS_AND_STEPS = [
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Payment Info Entered",
    "Order Completed",
]
OTHER_ACTIONS = [
    "Product Clicked",
    "Product Added to Wishlist",
    "Products Searched",
    "Email Delivered",
    "Video Played",
    "Signed Up",
    "Article Shared",
    "Coupon Applied",
]
CONSENT_NAMES = [
    "analytics",
    "Statistics",
    "personalisation",
    "preferences",
    "marketing",
    " Targeting ",
    "cats",
]
COMMON = {"page": 8, "screen": 2, "track": 10, "identify": 1, "group": 0.3, "session": 1.5, "label": 1}
SINGLE_EVENTS = {"page": 5.0, "screen": 1.0, "track": 3.0}


@dataclass(frozen=True)
class Arrival:
    """One event as it arrives; times are epoch seconds."""

    event: JsonObject
    received_at: float

    @property
    def value(self) -> bytes:
        return orjson.dumps(self.event)


@dataclass(frozen=True)
class Idle:
    """No record came for long: the shell hands in the wall time."""

    now: float


@dataclass(frozen=True)
class Manner:
    """What a stream is like: shares are of all events, the pause is in seconds, between arrivals."""

    seed: int
    length: int
    users: int = 2
    pause: float = 300.0
    zone: str = "Europe/Berlin"
    late_share: float = 0.2
    too_late_share: float = 0.05
    skewed_share: float = 0.1
    future_share: float = 0.02
    repeat_share: float = 0.1
    consent_share: float = 0.05
    idle_share: float = 0.0
    tracker_sessions: str = "none"
    items: int = 30
    actions: Sequence[str] = (*VIEWS_AND_STEPS, *OTHER_ACTIONS)
    kinds: dict[str, float] = field(default_factory=lambda: COMMON)

    def arrivals(self) -> list[Arrival | Idle]:
        """The stream in order of arrival."""
        return _Writer(self).write()


def streams(**fixed: Any) -> st.SearchStrategy[Manner]:
    """Manners of streams; what is given, a value or a strategy, is not drawn from the usual."""
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "seed": st.integers(0, 2**32),
        "length": st.integers(1, 120),
        "users": st.sampled_from([1, 1, 2, 4]),
        "pause": st.sampled_from([3.0, 60.0, 400.0, 2_000.0, 30_000.0]),
        "zone": st.sampled_from(ZONES),
        "late_share": st.sampled_from([0.0, 0.2, 0.6]),
        "too_late_share": st.sampled_from([0.0, 0.1]),
        "repeat_share": st.sampled_from([0.0, 0.1, 0.3]),
        "consent_share": st.sampled_from([0.0, 0.0, 0.1]),
        "tracker_sessions": st.sampled_from(["none", "own", "mixed"]),
    }
    for name, value in fixed.items():
        drawn[name] = value if isinstance(value, st.SearchStrategy) else st.just(value)
    return st.builds(Manner, **drawn)


def cut(random: Random, arrivals: Sequence[Any]) -> list[Sequence[Any]]:
    """The same sequence in pieces of random lengths."""
    places = sorted(random.choices(range(len(arrivals) + 1), k=random.randrange(8)))
    return [arrivals[start:end] for start, end in zip([0, *places], [*places, len(arrivals)], strict=True)]


class _Writer:
    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._random = Random(manner.seed)
        changes = CLOCK_CHANGES.get(manner.zone, CLOCK_CHANGES["Europe/Berlin"])
        first = self._random.choice(changes).timestamp()
        self._now = _eighths(first - self._random.uniform(0, manner.pause * manner.length))
        self._written: list[Arrival | Idle] = []

    def write(self) -> list[Arrival | Idle]:
        random, manner = self._random, self._manner
        while len(self._written) < manner.length:
            self._now = _eighths(self._now + self._pause())
            draw = random.random()
            if draw < manner.repeat_share and self._written:
                self._repeat()
            elif draw > 1 - manner.idle_share:
                self._written.append(Idle(self._now))
            else:
                self._written.append(self._arrive())
        return self._written

    def _pause(self) -> float:
        if self._manner.pause >= MINUTE and self._random.random() < 0.06:
            return SESSION_GAP + self._random.choice([-0.125, 0.0, 0.125])
        return self._random.expovariate(1 / self._manner.pause)

    def _repeat(self) -> None:
        arrival = self._random.choice(self._written[-12:])
        if isinstance(arrival, Idle):
            return
        waited = self._now - arrival.received_at
        event = dict(arrival.event)
        if "sentAt" in event:
            # Sent anew, by the same clock: the event itself happened when it happened.
            event["sentAt"] = _text(_seconds(event["sentAt"]) + waited)
        if "receivedAt" in event:
            event["receivedAt"] = _text(self._now)
        self._written.append(Arrival(event, self._now))

    def _arrive(self) -> Arrival:
        random, manner = self._random, self._manner
        delay, draw = 0.0, random.random()
        if draw < manner.too_late_share:
            delay = random.uniform(0, 4 * HOUR)
        elif draw < manner.too_late_share + manner.late_share:
            delay = random.choice([random.uniform(0, HOUR), random.uniform(0, 4 * manner.pause) % HOUR])
        elif draw > 1 - manner.future_share:
            delay = -random.choice([random.uniform(0, 300), 300.0, random.uniform(300.125, 5 * DAY)])
        at = _eighths(self._now - delay)
        event = self._describe(at)
        event["userId"] = f"user-{random.randrange(manner.users)}"
        if random.random() < 0.8:
            event["messageId"] = f"m{len(self._written)}"
        event |= self._tell_time(at)
        return Arrival(event, self._now)

    def _tell_time(self, at: float) -> JsonObject:
        random = self._random
        if random.random() >= self._manner.skewed_share:
            return {"timestamp": _text(at)}
        if random.random() < 0.3:  # nobody tells when it was received, so the clock is believed
            return {"originalTimestamp": _text(at), "sentAt": _text(self._now + HOUR)}
        wrong_by = _eighths(random.uniform(-30 * DAY, 30 * DAY))
        return {
            "originalTimestamp": _text(at + wrong_by),
            "sentAt": _text(self._now + wrong_by),
            "receivedAt": _text(self._now),
        }

    def _describe(self, at: float) -> JsonObject:
        random, kinds = self._random, self._manner.kinds
        kind = random.choices(list(kinds), list(kinds.values()))[0]
        event: JsonObject = {"type": kind}
        if random.random() < 0.9:
            event["context"] = self._context(at)
        if kind == "page":
            event["properties"] = self._thing() | _some(random, 0.3, path=f"/p/{random.randrange(90)}")
        elif kind == "screen":
            event |= {"name": random.choice(["home", "cart", "search"]), "properties": self._thing()}
        elif kind == "track":
            event["event"] = random.choice(self._manner.actions)
            event["properties"] = self._action(event["event"])
        elif kind in {"identify", "group"}:
            event["traits"] = self._traits()
            event |= {"groupId": "g1"} if kind == "group" else {}
        elif kind == "session":
            event["properties"] = self._summary()
        else:
            event["properties"] = {"target": "engagement_tier", "value": random.choice([1, 2, 3])}
        return event

    def _context(self, at: float) -> JsonObject:
        random, manner = self._random, self._manner
        context: JsonObject = _some(random, 0.7, timezone=manner.zone) | _some(
            random, 0.05, timezone=random.choice(ZONES)
        )
        context |= _some(random, 0.6, device={"type": random.choice(["mobile", "desktop", "tablet"])})
        context |= _some(random, 0.5, os={"name": random.choice(["ios", "linux", "mac"])})
        context |= _some(random, 0.5, browser={"name": f"browser-{int(random.paretovariate(0.6)) % 18}"})
        context |= _some(random, 0.5, location={"country": f"C{int(random.paretovariate(0.6)) % 18}"})
        context |= _some(random, 0.3, campaign={"name": " ".join(_words(random, "field", 2))})
        page = _some(random, 0.5, path=f"/q/{random.randrange(90)}")
        page |= _some(random, 0.4, referrer=random.choice(["search", "social", "direct"]))
        page |= _some(random, 0.2, title=" ".join(_words(random, "term", 3)))
        context |= {"page": page} if page else {}
        if random.random() < manner.consent_share:
            said = {name: random.random() < 0.6 for name in random.sample(CONSENT_NAMES, 2)}
            context["consent"] = {"categoryPreferences": said}
        if random.random() < 0.01:
            context["userAgent"] = "bot"
        if manner.tracker_sessions == "own" or (manner.tracker_sessions == "mixed" and random.random() < 0.5):
            visit = int(at // random.choice([HOUR, 2 * HOUR]))
            context["sessionId"] = visit if random.random() < 0.5 else str(visit)
        return context

    def _thing(self) -> JsonObject:
        random = self._random
        item = int(random.paretovariate(0.7)) % self._manner.items
        named: JsonObject = random.choice(
            [{}, {"product_id": f"i{item}"}, {"item_id": f"i{item}"}, {"course_id": item}, {"product_id": ""}]
        )
        named |= _some(random, 0.5, category=_words(random, "category", 1)[0])
        named |= _some(random, 0.3, brand=random.choice([_words(random, "brand", 1)[0], 7, "b" * 65, ""]))
        return named | _some(random, 0.3, tags=[*_words(random, "tag", 3), 5])

    def _action(self, name: str) -> JsonObject:
        random = self._random
        described = self._thing()
        if name == "Order Completed":
            amount = _eighths(random.uniform(0.125, 200))
            described |= random.choice(
                [{"revenue": amount}, {"total": amount}, {"revenue": "much", "value": amount}, {}]
            )
            described |= _some(random, 0.8, products=[self._thing() for _ in range(random.randrange(4))])
        return described | _some(random, 0.2, query=" ".join(_words(random, "term", 2)))

    def _traits(self) -> JsonObject:
        random = self._random
        traits = {f"trait-{random.randrange(40)}": random.randrange(90) for _ in range(random.randrange(8))}
        traits |= _some(random, 0.6, plan=random.choice(["free", "plus", "pro"]))
        traits |= _some(random, 0.3, email="ada@example.com", note="call ada@example.com", firstName="Ada")
        traits |= _some(random, 0.3, isAdult=random.random() < 0.5, about="a" * 65, tastes=["x"], gone=None)
        return traits | _some(
            random, 0.2, control_group=random.choice(["a", "control", True, False, "g" * 65])
        )

    def _summary(self) -> JsonObject:
        random = self._random
        summary: JsonObject = {
            "pageViews": random.randrange(9),
            "duration": _eighths(random.uniform(0, random.choice([60.0, 3_600.0, 20_000.0]))),
        }
        summary |= _some(random, 0.4, sessionId=str(int(self._now // HOUR)))
        summary |= _some(random, 0.3, items=[f"i{random.randrange(30)}" for _ in range(random.randrange(4))])
        return summary | _some(random, 0.3, searchQuery=" ".join(_words(random, "term", 2)))


def _some(random: Random, share: float, **fields: Any) -> JsonObject:
    return fields if random.random() < share else {}


def _words(random: Random, stem: str, most: int) -> list[str]:
    return [f"{stem}-{int(random.paretovariate(0.7)) % 13}" for _ in range(random.randint(1, most))]


def _eighths(seconds: float) -> float:
    return round(seconds * 8) / 8


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
