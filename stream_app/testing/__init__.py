"""For tests of what is built on this package: models that never change, sample events, comparable outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from random import Random
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from stream_app.core.records import Record
from stream_app.intake.sources.source import wire_event
from stream_app.learning.ports import Features, Models, Occasion
from stream_app.runtimes.common.intake import plain_intake
from stream_app.schemas.outputs import FailureReason, ModelStamp, Output, RecommendedItem, TrainingExample
from stream_app.settings.rules import DAY

START = datetime(2024, 3, 4, 8, tzinfo=UTC).timestamp()  # a Monday morning, in epoch seconds
RECEIVED_AT = START + 3_650 * DAY
INTAKE = plain_intake()
JsonObject = dict[str, Any]


class FixedPrediction(NamedTuple):
    """A tier, or none, with its probabilities."""

    label: int | str | None
    probabilities: Mapping[int | str, float]


class FixedContribution(NamedTuple):
    """How far a feature moved a decision."""

    feature: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True)
class FixedTierModel:
    """A tier model that never learns: the tier follows the events of the last day.

    Below `silent_below` events in all it cannot say, so that the rule by usage answers.
    """

    events_for_medium: int = 3
    events_for_high: int = 6
    silent_below: int = 0

    def stamp(self) -> ModelStamp:
        """The same stamp at any time."""
        return ModelStamp(name="fixed_tiers", version=1, examples_seen=0, status="ready")

    def features_read(self) -> frozenset[str] | None:
        """Any, so that all are read."""
        return None

    def predict_tiers(self, examples: Sequence[Features]) -> list[FixedPrediction]:
        """One prediction per example."""
        return [self._predict(features) for features in examples]

    def explain_tiers(
        self, examples: Sequence[Features], tiers: Sequence[int]
    ) -> list[list[FixedContribution]]:
        """The events of the last day, which alone decide."""
        return [
            [FixedContribution("events_24h", features.get("events_24h", 0), tier / 3)]
            for features, tier in zip(examples, tiers, strict=True)
        ]

    def _predict(self, features: Features) -> FixedPrediction:
        if features["active_days"] == 0 or float(features.get("events_30d", 0)) < self.silent_below:
            return FixedPrediction(None, {})
        events = float(features.get("events_24h", 0))
        tier = 1 + (events >= self.events_for_medium) + (events >= self.events_for_high)
        return FixedPrediction(tier, {known: float(known == tier) for known in (1, 2, 3)})


@dataclass(frozen=True)
class FixedRecommender:
    """A recommender that never learns: items that are named after the session's last one."""

    def stamp(self) -> ModelStamp:
        """The same stamp at any time."""
        return ModelStamp(name="fixed_items", version=1, examples_seen=0, status="ready")

    def recommend(self, occasion: Occasion, count: int) -> list[RecommendedItem]:
        """At most three items, which say how many the session has and which was its last."""
        seen, last = len(occasion.session_items), occasion.session_items[-1]
        return [RecommendedItem(f"{last}-{seen}-{rank}", 1 / rank, "fixed") for rank in (1, 2, 3)][:count]


@dataclass
class FixedModels:
    """Models for a runtime that never change; `examples` is what they were given to learn."""

    tiers: FixedTierModel = field(default_factory=FixedTierModel)
    recommender: FixedRecommender = field(default_factory=FixedRecommender)
    examples: list[TrainingExample] = field(default_factory=list)

    @property
    def models(self) -> Models:
        """What a batch is scored with."""
        return Models(self.tiers, self.recommender)

    def learn(self, outputs: Sequence[Output]) -> list[Output]:
        """Note the examples, learn nothing."""
        self.examples += [output for output in outputs if isinstance(output, TrainingExample)]
        return []

    def forget(self, _user_key: str) -> int:
        """Forget nothing: nothing is learned."""
        return 0

    def refresh(self) -> None:
        """Nothing is learned."""

    def take_changed_snapshots(self) -> dict[str, bytes]:
        """None: nothing is learned."""
        return {}


@dataclass(frozen=True)
class RecordedSource:
    """Values in memory as a source of events."""

    values: Sequence[bytes]
    name: str = "recorded"
    is_live: bool = False

    def size(self) -> int | None:
        """How many there are."""
        return len(self.values)

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """The values after the first `skip`."""
        return ((value, number) for number, value in enumerate(self.values[skip:], start=skip + 1))


def records(values: Iterable[bytes | None], first_offset: int = 0) -> list[Record]:
    """Raw records in offset order, received long after their events' times."""
    return [Record(offset, None, value, RECEIVED_AT) for offset, value in enumerate(values, first_offset)]


def event(event_type: str, user: str, at: float, **fields: Any) -> bytes:
    """An event on the wire; `at` is in seconds after `START`."""
    return wire_event(event_type, userId=user, timestamp=datetime.fromtimestamp(START + at, UTC), **fields)


def page(user: str, at: float, item: str | None = None, **fields: Any) -> bytes:
    """A page view, of an item or not."""
    return event("page", user, at, properties={"product_id": item} if item else {}, **fields)


def track(user: str, at: float, name: str, properties: JsonObject | None = None, **fields: Any) -> bytes:
    """Something that the user did."""
    return event("track", user, at, event=name, properties=properties or {}, **fields)


def session(user: str, at: float, duration: float, page_views: int, **properties: Any) -> bytes:
    """A tracker's summary of a session that ended at `at`."""
    return event(
        "session", user, at, properties={"pageViews": page_views, "duration": duration, **properties}
    )


def label(user: str, at: float, value: Any, target: str = "engagement_tier", **fields: Any) -> bytes:
    """A truth that became known at `at`."""
    return event("label", user, at, properties={"target": target, "value": value}, **fields)


def random_events(random: Random, count: int, users: int = 8, mean_pause: float = 240.0) -> list[bytes]:
    """Events of several users in order of arrival: late ones, repeats, bad ones and pauses among them."""
    now, sent = 0.0, [b"{}"]
    while len(sent) <= count:
        is_night = random.random() < 0.02
        now += random.expovariate(1 / mean_pause) + (random.uniform(0, 3 * 86_400) if is_night else 0)
        if random.random() < 0.08:
            sent.append(random.choice(sent))
            continue
        if random.random() < 0.03:
            sent.append(malformed(random).value or b"")
            continue
        delay = random.choice([0, 0, 0, 0, random.uniform(0, 5_400)])
        sent.append(
            _random_event(random, f"user-{random.randrange(users)}", round(now - delay, 3), len(sent))
        )
    return sent[1:]


class Malformed(NamedTuple):
    """A value that is no event, and the reason that must be given for it."""

    value: bytes | None
    reason: FailureReason


def malformed(random: Random) -> Malformed:
    """One of many kinds of values that are no events; null is not among them."""
    good = orjson.loads(page(f"user-{random.randrange(1000)}", random.uniform(0, 1e5), "item"))
    token = "".join(random.choices('abcdefghijklmnopqrstuvwxyz0123456789 é\u4e2d"\\{[', k=12))
    kinds = (
        lambda: (orjson.dumps(good)[: random.randrange(1, 40)], FailureReason.BAD_JSON),
        lambda: (b"\x00" * random.randrange(1, 9), FailureReason.BAD_JSON),
        lambda: (b"", FailureReason.BAD_JSON),
        lambda: (orjson.dumps(good) + b"}", FailureReason.BAD_JSON),
        lambda: (orjson.dumps(good).decode().encode("utf-16"), FailureReason.BAD_ENCODING),
        lambda: (
            orjson.dumps(good | {"name": "X"}).replace(b'"X"', b'"\xe9\xff"'),
            FailureReason.BAD_ENCODING,
        ),
        lambda: (b'{"properties":' + b"[" * 5_000 + b"]" * 5_000 + b"}", FailureReason.TOO_DEEP),
        lambda: (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, FailureReason.TOO_DEEP),
        lambda: (orjson.dumps(good | {"name": token * 30_000}), FailureReason.TOO_LARGE),
        lambda: (
            orjson.dumps(random.choice([[good], token, 7, None, True, []])),
            FailureReason.NOT_AN_OBJECT,
        ),
        lambda: (
            orjson.dumps({"api_key": token, "batch": [{"event": token, "distinct_id": "u"}] * 2}),
            FailureReason.SEVERAL_EVENTS,
        ),
        lambda: (
            orjson.dumps({"api_key": token, "batch": random.choice([[good, 1], token, {}])}),
            FailureReason.UNREADABLE_FORM,
        ),
        lambda: (orjson.dumps(_without(good, "type")), FailureReason.UNKNOWN_TYPE),
        lambda: (
            orjson.dumps(good | {"type": random.choice([token, 1, None, [], {}])}),
            FailureReason.UNKNOWN_TYPE,
        ),
        lambda: (orjson.dumps(_without(good, "userId")), FailureReason.MISSING_USER),
        lambda: (orjson.dumps(good | {"userId": None}), FailureReason.MISSING_USER),
        lambda: (orjson.dumps(good | {"userId": ""}), FailureReason.MISSING_USER),
        lambda: (orjson.dumps(good | {"userId": random.choice([5, [], {}, True])}), FailureReason.CONTRACT),
        lambda: (orjson.dumps(good | {"userId": "u" * 257}), FailureReason.CONTRACT),
        lambda: (orjson.dumps(good | {"properties": random.choice([token, 3, []])}), FailureReason.CONTRACT),
        lambda: (orjson.dumps(good | {"type": "track"}), FailureReason.CONTRACT),
        lambda: (orjson.dumps(good | {"type": "label"}), FailureReason.CONTRACT),
        lambda: (
            orjson.dumps(good | {"type": "session", "properties": {"pageViews": -1, "duration": 5}}),
            FailureReason.CONTRACT,
        ),
        lambda: (orjson.dumps(_without(good, "timestamp")), FailureReason.MISSING_TIME),
        lambda: (orjson.dumps(good | {"timestamp": None}), FailureReason.MISSING_TIME),
        lambda: (
            orjson.dumps(good | {"timestamp": random.choice([token, [], 1e30, "2024-13-45"])}),
            FailureReason.BAD_TIME,
        ),
        lambda: (
            orjson.dumps(good | {"timestamp": random.choice(["1969-07-20T20:17:00Z", 0, "9999-12-31", 12])}),
            FailureReason.TIME_OUT_OF_RANGE,
        ),
    )  # fmt: skip
    value, reason = random.choice(kinds)()
    return Malformed(value, reason)


def comparable(outputs: Iterable[Output | bytes | JsonObject]) -> dict[str, JsonObject]:
    """Outputs by id, in JSON and without `emitted_at`, the one field that a replay changes.

    Raises:
        ValueError: an id is there twice with different content.
    """
    by_id: dict[str, JsonObject] = {}
    for output in outputs:
        body = as_json(output)
        del body["emitted_at"]
        if by_id.setdefault(body["id"], body) != body:
            raise ValueError(f"two outputs have the id {body['id']}: {by_id[body['id']]} and {body}")
    return by_id


def as_json(output: Output | bytes | JsonObject) -> JsonObject:
    """An output as the JSON object that consumers read."""
    if isinstance(output, BaseModel):
        return output.model_dump(mode="json")
    return orjson.loads(output) if isinstance(output, bytes) else dict(output)


def _random_event(random: Random, user: str, at: float, number: int) -> bytes:
    context: JsonObject = {"device": {"type": random.choice(["mobile", "desktop"])}}
    if random.random() < 0.1:
        purpose = random.choice(["analytics", "personalisation", "marketing"])
        context["consent"] = {"categoryPreferences": {purpose: random.random() < 0.7}}
    if random.random() < 0.01:
        context["userAgent"] = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    fields: JsonObject = {"context": context}
    if random.random() < 0.9:
        fields["messageId"] = f"m{number}"
    item = f"item-{random.randrange(12)}"
    match random.choices(
        ["page", "screen", "track", "order", "identify", "session", "label", "course"],
        [8, 1, 4, 1, 1, 2, 1, 0.5],
    )[0]:
        case "page":
            return page(user, at, item if random.random() < 0.8 else None, **fields)
        case "screen":
            return event("screen", user, at, name="home", **fields)
        case "track":
            return track(user, at, "Product Clicked", {"product_id": item}, **fields)
        case "order":
            return track(user, at, "Order Completed", {"revenue": round(random.uniform(1, 99), 2)}, **fields)
        case "identify":
            return event(
                "identify",
                user,
                at,
                traits={"age": random.randrange(18, 80), "control_group": f"group-{number % 3}"},
                **fields,
            )
        case "session":
            return session(user, at, round(random.uniform(0, 4_000), 1), random.randrange(20))
        case "label":
            return label(user, at, random.choice([1, 2, 3]), **fields)
        case _:
            digest = blake2b(item.encode(), digest_size=2).digest()
            about = {"itemId": item, "features": {"length": digest[0], "kind": f"kind-{digest[1] % 3}"}}
            properties = {"target": "engagement_score", "value": random.uniform(0, 100), **about}
            return event("label", user, at, properties=properties, **fields)


def _without(fields: JsonObject, name: str) -> JsonObject:
    return {key: value for key, value in fields.items() if key != name}
