"""An event on its way through the core, with the record that brought it."""

from __future__ import annotations

import msgspec

from stream_app.core.identity_messages import Forwarded
from stream_app.core.records import Record
from stream_app.intake.decoding import TimedEvent
from stream_app.schemas.envelopes import Cause


class Arrival(msgspec.Struct, frozen=True):
    """One event; `forwarded` is the message with which another row forwarded it, if any."""

    timed: TimedEvent
    record: Record
    cause: Cause
    forwarded: Forwarded | None = None
