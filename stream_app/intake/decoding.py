"""Decodes bytes into a typed event, or a typed reason why that failed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stream_app.intake import shop_names, trackers
from stream_app.intake.placeholders import drop_placeholders, required_among
from stream_app.intake.ports import Privacy
from stream_app.intake.repairs import fit, place_of
from stream_app.intake.trust import is_trusted
from stream_app.intake.wire import Event, LabelCall, TrackCall, convert_event, decode_event
from stream_app.schemas.events import EVENT_ADAPTER, EVENT_TYPES, ContractEvent
from stream_app.schemas.outputs import FailureReason
from stream_app.settings.rules import Rules

DETAILS_SHOWN = 3
CONTRACT_DEPTH = 199  # nesting depth that the contract's JSON reader accepts
USER_ID_FIELDS = ("userId", "anonymousId")
NOT_A_NUMBER = "not_a_number"  # counted if the JSON contains `NaN` or `Infinity`
TIME_FIELDS = (("timestamp",), ("originalTimestamp",))


class Failure(NamedTuple):
    """Why a record could not be processed; the detail names fields, never the values in them.

    `placeholders` are the fields that had a placeholder id.
    """

    reason: FailureReason
    detail: str
    placeholders: tuple[str, ...] = ()


class TimedEvent(msgspec.Struct, frozen=True):
    """A valid event with its user and its event time, in epoch seconds.

    `placeholders` are the fields that had a placeholder id; the event is without them. `dropped` has the
    dotted names of fields that were removed because they could not be read. It `is_trusted` unless the
    collector accepted it with a key that is public in a page.
    """

    event: Event
    user_key: str
    at: float
    placeholders: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    is_trusted: bool = True


def decode(value: bytes | None, received_at: float, privacy: Privacy, rules: Rules) -> TimedEvent | Failure:
    """Validate one event; `received_at` (epoch seconds) bounds how far in the future it may be."""
    if value is None:
        return Failure(FailureReason.NULL_VALUE, "the record has no value")
    if len(value) > rules.max_event_bytes:
        return Failure(
            FailureReason.TOO_LARGE, f"{len(value)} bytes; at most {rules.max_event_bytes} are accepted"
        )
    event: Event | None = None
    dropped: list[str] = []
    try:
        if not value.isascii():
            value.decode()  # msgspec does not look into values that it skips
        event = decode_event(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # the contract says why
    if event is None or (_may_nest_deeply(value) and _nests_deeper(_free_part(event), CONTRACT_DEPTH)):
        judged = _judge(value, rules)
        if isinstance(judged, Failure):
            return judged
        event, dropped = judged
    if type(event) is TrackCall:
        dropped += shop_names.settle(event)
    placeholders = drop_placeholders(event, rules.placeholder_ids)
    trusted = is_trusted(value)
    user_key = event.user_id or event.anonymous_id
    if not user_key or placeholders or not trusted:
        refused = _refuse_ids(event, placeholders, trusted)
        if refused is not None:
            return refused
    if event.received_at is not None:
        received_at = min(received_at, _epoch_seconds(event.received_at))
    at = _event_time(event)
    if at is None:
        return Failure(
            FailureReason.MISSING_TIME, "neither timestamp nor originalTimestamp is given", placeholders
        )
    if not rules.earliest_time <= at <= received_at + rules.allowed_skew:
        return Failure(
            FailureReason.TIME_OUT_OF_RANGE,
            f"the timestamp is before 2000 or more than {rules.allowed_skew:.0f} s after its receipt",
            placeholders,
        )
    return TimedEvent(event, privacy.user_key(user_key or ""), at, placeholders, tuple(dropped), trusted)


def _refuse_ids(event: Event, placeholders: tuple[str, ...], trusted: bool) -> Failure | None:
    """Why an event with these ids cannot be used; None if it can."""
    if event.user_key is None:
        given = " and ".join(name for name in placeholders if name in USER_ID_FIELDS)
        detail = f"{given}: stands for a missing id" if given else "neither userId nor anonymousId is given"
        return Failure(FailureReason.MISSING_USER, detail, placeholders)
    if placeholders and (needed := required_among(placeholders)):
        return Failure(FailureReason.CONTRACT, f"{needed}: stands for a missing id", placeholders)
    if not trusted and isinstance(event, LabelCall):
        return Failure(FailureReason.UNTRUSTED, "a label needs a server key of the collector", placeholders)
    return None


def _free_part(event: Event) -> object:
    return getattr(event, "properties", None) or getattr(event, "traits", None)


def _may_nest_deeply(value: bytes) -> bool:
    """Whether there are enough brackets; this settles most events."""
    return value.count(b"{") + value.count(b"[") > CONTRACT_DEPTH


def _nests_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        inner: Iterable[object] = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return False
    return levels == 0 or any(
        _nests_deeper(part, levels - 1) for part in inner if isinstance(part, dict | list)
    )


def _event_time(event: Event) -> float | None:
    if event.timestamp is not None:
        return _epoch_seconds(event.timestamp)
    if event.original_timestamp is None:
        return None
    at = _epoch_seconds(event.original_timestamp)
    # A receipt time known only from the log may be the time of a replay rather than of the event.
    if event.sent_at is None or event.received_at is None:
        return at
    return _epoch_seconds(event.received_at) - (_epoch_seconds(event.sent_at) - at)


def _judge(value: bytes, rules: Rules) -> tuple[Event, list[str]] | Failure:
    """Apply the contract to a value that did not decode: read it another way, or refuse it with a reason.

    Also returns the names of removed fields.
    """
    form = rules.tracker_form or trackers.detect(value)
    try:
        if form == trackers.CANONICAL.name:
            event, dropped = _judge_canonical(value)
        else:
            found = trackers.read(value, form)
            if len(found) != 1:
                return Failure(
                    FailureReason.SEVERAL_EVENTS,
                    f"{len(found)} events in one record: send it to the collector",
                )
            event, dropped = fit(found[0])
    except trackers.Unreadable as error:
        return Failure(FailureReason.UNREADABLE_FORM, f"{form}: {error.detail}")
    except ValidationError as error:
        return _classify(value, error)
    return convert_event(event.model_dump(by_alias=True, exclude_none=True)), dropped


def _judge_canonical(value: bytes) -> tuple[ContractEvent, list[str]]:
    has_others_numbers = trackers.has_numbers_beyond_json(value)
    try:
        read = EVENT_ADAPTER.validate_json(value, by_alias=True, by_name=False)
        if not has_others_numbers:
            return read, []
    except ValidationError:
        fields = _fields_of(value)
        if fields is None:
            raise
    else:
        fields = _fields_of(value)
        if fields is None:
            return read, []
    read, dropped = fit(fields)
    return read, [NOT_A_NUMBER, *dropped] if has_others_numbers else dropped


def _fields_of(value: bytes) -> dict[str, Any] | None:
    try:
        fields = trackers.parse_json(value)
    except trackers.Unreadable:
        return None
    return fields if isinstance(fields, dict) else None


def _epoch_seconds(timestamp: datetime) -> float:
    if timestamp.tzinfo is None:
        timestamp = timestamp.replace(tzinfo=UTC)
    return timestamp.timestamp()


def _classify(value: bytes, error: ValidationError) -> Failure:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    first = details[0]
    match first["type"]:
        case "json_invalid":
            return classify_json(value, first["msg"])
        case "dict_type" | "model_type" | "model_attributes_type" if not first["loc"]:
            return Failure(FailureReason.NOT_AN_OBJECT, "an event is a JSON object")
        case "union_tag_invalid" | "union_tag_not_found":
            return Failure(FailureReason.UNKNOWN_TYPE, f"`type` must be one of {', '.join(EVENT_TYPES)}")
    in_time = [detail for detail in details if detail["loc"][1:] in TIME_FIELDS]
    if in_time:
        return Failure(FailureReason.BAD_TIME, _describe(in_time))
    return Failure(FailureReason.CONTRACT, _describe(details))


def classify_json(value: bytes, message: str) -> Failure:
    """Why a value is not JSON, given the parser's error."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return Failure(FailureReason.BAD_ENCODING, f"not UTF-8 at byte {error.start}")
    if "recursion limit" in message:
        return Failure(FailureReason.TOO_DEEP, message)
    return Failure(FailureReason.BAD_JSON, message)


def _describe(details: list[ErrorDetails]) -> str:
    shown = [f"{place_of(detail)}: {detail['msg']}" for detail in details[:DETAILS_SHOWN]]
    more = len(details) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
