"""Failed events that can be processed now: the program or a setting has changed since, or time has passed."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from stream_app.intake import trackers
from stream_app.intake.decoding import TimedEvent, decode
from stream_app.intake.ports import Privacy
from stream_app.schemas.failures import FailedEvent
from stream_app.schemas.outputs import FailureReason
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules


class Mended(NamedTuple):
    """A record to be processed again, and its event time in epoch seconds."""

    value: bytes
    at: float


class Retaken(NamedTuple):
    """How many records were taken in again, can still not be read, and are too late to count."""

    taken: int = 0
    failing: int = 0
    late: int = 0


def mend(failure: FailedEvent, now: float, privacy: Privacy, rules: Rules) -> Mended | None:
    """The record of a failed event if it can be read now; None if it still cannot.

    What was cut cannot, nor what stopped a worker, nor what was no event at all.
    """
    is_whole = failure.original is not None and failure.original_cut is None
    if not is_whole or failure.source.topic != EVENTS.name or failure.reason is FailureReason.UNPROCESSABLE:
        return None
    value = failure.original or b""
    timed = decode(value, now, privacy, rules)
    if not isinstance(timed, TimedEvent):
        return None
    if timed.event.message_id is None:
        value = _with_id(value, str(failure.id), rules)
    return Mended(value, timed.at)


def _with_id(value: bytes, message_id: str, rules: Rules) -> bytes:
    """The event with an id, by which another that is made of the same failed event is known as a repeat."""
    form = rules.tracker_form or trackers.detect(value)
    event = trackers.parse_json(value) if form == trackers.CANONICAL.name else trackers.read(value, form)[0]
    return orjson.dumps({**event, "messageId": message_id})
