"""What the collector adds to an event on its receipt: its time, an id, and where it came from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stream_app.intake.cleaning.transports import is_transport

TIMES = ("timestamp", "originalTimestamp")
MAX_USER_AGENT = 4096  # what the contract takes


class Receipt:
    """One request's time (epoch seconds), client address and user agent; empty where they are not known."""

    def __init__(self, received_at: float, address: str, user_agent: str) -> None:
        moment = datetime.fromtimestamp(received_at, UTC)
        self._received_at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._context: dict[str, str] = {}
        if address:
            self._context["ip"] = address
        if user_agent and not is_transport(user_agent):
            self._context["userAgent"] = user_agent[:MAX_USER_AGENT]

    def stamp(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event with its receipt; of what the sender gave only `receivedAt` is replaced.

        The sender's `timestamp` is by a clock of its own: beside `sentAt` it becomes `originalTimestamp`, as
        Segment's servers have it, so that the clock can be corrected. An id made here cannot tell a request
        that is sent again from a new one.
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
