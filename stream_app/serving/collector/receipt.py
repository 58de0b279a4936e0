"""What the collector adds to an event on receipt: the time, an id, and the sender's address and agent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stream_app.intake.cleaning.transports import is_transport

TIMES = ("timestamp", "originalTimestamp")
MAX_USER_AGENT = 4096  # the contract's limit


class Receipt:
    """One request's time (epoch seconds), client address and user agent; empty if unknown."""

    def __init__(self, received_at: float, address: str, user_agent: str) -> None:
        moment = datetime.fromtimestamp(received_at, UTC)
        self._received_at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._context: dict[str, str] = {}
        if address:
            self._context["ip"] = address
        if user_agent and not is_transport(user_agent):
            self._context["userAgent"] = user_agent[:MAX_USER_AGENT]

    def stamp(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event with its receipt; of the sender's fields only `receivedAt` is replaced.

        The sender's `timestamp` is by its own clock: if there is a `sentAt`, it becomes `originalTimestamp`,
        as with Segment's servers, so that the clock can be corrected. An id made here cannot distinguish a
        repeated request from a new one.
        """
        stamped = {name: value for name, value in event.items() if name != "writeKey"}
        stamped["receivedAt"] = self._received_at
        if stamped.get("messageId") in (None, ""):
            stamped["messageId"] = str(uuid.uuid4())
        self._stamp_time(stamped)
        self._stamp_context(stamped)
        return stamped

    def _stamp_time(self, stamped: dict[str, Any]) -> None:
        if all(stamped.get(name) is None for name in TIMES):
            stamped["timestamp"] = self._received_at
        elif stamped.get("sentAt") is not None and stamped.get("originalTimestamp") is None:
            stamped["originalTimestamp"] = stamped.pop("timestamp")

    def _stamp_context(self, stamped: dict[str, Any]) -> None:
        context = stamped.get("context")
        if context is None:
            context = {}
        if isinstance(context, dict):
            given = {name: value for name, value in context.items() if value is not None}
            stamped["context"] = {**context, **self._context, **given}
