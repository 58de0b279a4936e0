"""Values that are not events, with the expected reason for each."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import orjson

from stream_app.schemas.outputs import FailureReason
from stream_app.testing.events import JsonObject, page


class Malformed(NamedTuple):
    """A value that is not an event, and the expected reason."""

    value: bytes | None
    reason: FailureReason


def malformed(random: Random) -> Malformed:
    """One of many kinds of values that are not events, except null."""
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
        lambda: (orjson.dumps(good | {"userId": random.choice([5.5, [], {}, True])}), FailureReason.CONTRACT),
        lambda: (orjson.dumps(good | {"userId": "u" * 257}), FailureReason.CONTRACT),
        lambda: (
            orjson.dumps(good | {"type": "track", "event": random.choice([3, [], ""])}),
            FailureReason.CONTRACT,
        ),
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


def _without(fields: JsonObject, name: str) -> JsonObject:
    return {key: value for key, value in fields.items() if key != name}
