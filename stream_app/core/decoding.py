"""Bytes to a typed event, or a typed reason why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.events import EVENT_ADAPTER, EVENT_TYPES, Event
from schemas.outputs import FailureReason
from stream_app.core.rules import Rules

DETAILS_SHOWN = 3
# Any other part of an error's place is a key of the sender's own, and may be personal.
FIELD_NAMES = frozenset(
    name
    for definition in EVENT_ADAPTER.json_schema()["$defs"].values()
    for name in definition.get("properties", ())
)


class Failure(NamedTuple):
    """Why a record could not be processed; the detail names fields, never the values in them."""

    reason: FailureReason
    detail: str


class TimedEvent(NamedTuple):
    """A valid event with its user and its event time, in epoch seconds."""

    event: Event
    user_key: str
    at: float


def decode(value: bytes | None, received_at: float, rules: Rules) -> TimedEvent | Failure:
    """Validate one event; `received_at` (epoch seconds) bounds how far in the future it may lie."""
    if value is None:
        return Failure(FailureReason.NULL_VALUE, "the record has no value")
    if len(value) > rules.max_event_bytes:
        return Failure(
            FailureReason.TOO_LARGE, f"{len(value)} bytes; at most {rules.max_event_bytes} are taken"
        )
    try:
        event = EVENT_ADAPTER.validate_json(value, by_alias=True, by_name=False)
    except ValidationError as error:
        return _classify(value, error)
    user_key = event.user_key
    if user_key is None:
        return Failure(FailureReason.MISSING_USER, "neither userId nor anonymousId is given")
    at = _epoch_seconds(event.timestamp)
    if event.received_at is not None:
        received_at = min(received_at, _epoch_seconds(event.received_at))
    if not rules.earliest_time <= at <= received_at + rules.allowed_skew:
        return Failure(
            FailureReason.TIME_OUT_OF_RANGE,
            f"the timestamp is before 2000 or more than {rules.allowed_skew:.0f} s after its receipt",
        )
    return TimedEvent(event, user_key, at)


def _epoch_seconds(timestamp: datetime) -> float:
    if timestamp.tzinfo is None:
        timestamp = timestamp.replace(tzinfo=UTC)
    return timestamp.timestamp()


def _classify(value: bytes, error: ValidationError) -> Failure:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    first = details[0]
    match first["type"]:
        case "json_invalid":
            return _classify_json(value, first["msg"])
        case "dict_type" | "model_type" | "model_attributes_type" if not first["loc"]:
            return Failure(FailureReason.NOT_AN_OBJECT, "an event is a JSON object")
        case "union_tag_invalid" | "union_tag_not_found":
            return Failure(FailureReason.UNKNOWN_TYPE, f"`type` must be one of {', '.join(EVENT_TYPES)}")
    in_time = [detail for detail in details if detail["loc"][1:] == ("timestamp",)]
    if in_time:
        missing = in_time[0]["type"] == "missing"
        reason = FailureReason.MISSING_TIME if missing else FailureReason.BAD_TIME
        return Failure(reason, _describe(in_time))
    return Failure(FailureReason.CONTRACT, _describe(details))


def _classify_json(value: bytes, message: str) -> Failure:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return Failure(FailureReason.BAD_ENCODING, f"not UTF-8 at byte {error.start}")
    if "recursion limit" in message:
        return Failure(FailureReason.TOO_DEEP, message)
    return Failure(FailureReason.BAD_JSON, message)


def _describe(details: list[ErrorDetails]) -> str:
    shown = [f"{_place(detail)}: {detail['msg']}" for detail in details[:DETAILS_SHOWN]]
    more = len(details) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _place(detail: ErrorDetails) -> str:
    """The field in dots, without the union's tag before it and the sender's own keys within it."""
    return ".".join(str(part) for part in detail["loc"][1:] if isinstance(part, int) or part in FIELD_NAMES)
