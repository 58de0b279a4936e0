"""Which users were erased and until when, stored by a marker that does not reveal the user."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

import msgspec
from pydantic import ValidationError

from stream_app.core.records import Record
from stream_app.features.user_row import UserRow, owned_ids
from stream_app.intake.decoding import Failure, TimedEvent, classify_json
from stream_app.intake.named_users import named_users
from stream_app.intake.ports import Privacy
from stream_app.schemas.outputs import FailureReason
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.settings.rules import Rules


class Erasure(msgspec.Struct, array_like=True):
    """Events up to `until` (epoch seconds of event time) are dropped.

    `cause` is the request's position and `removed` has the counts at that time, so that a request repeated
    after a crash, when some data is already gone, gets the same receipt.
    """

    until: float
    cause: str
    removed: dict[str, int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Erasure)


def encode_erasure(erasure: Erasure) -> bytes:
    """Encode the erasure for storage."""
    return _encoder.encode(erasure)


def decode_erasure(data: bytes) -> Erasure:
    """Read a stored erasure.

    Raises:
        msgspec.DecodeError: the bytes are not an erasure.
    """
    return _decoder.decode(data)


class Erasures:
    """The erasures of one partition by marker."""

    def __init__(self) -> None:
        self._known: dict[str, Erasure] = {}
        self._by_time: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._known)

    def get(self, marker: str) -> Erasure | None:
        """The erasure of a marker, or None."""
        return self._known.get(marker)

    def add(self, marker: str, erasure: Erasure) -> None:
        """Remember an erasure, replacing an earlier one."""
        self._known[marker] = erasure
        heappush(self._by_time, (erasure.until, marker))

    def find(self, user_key: str, privacy: Privacy) -> Erasure | None:
        """The newest erasure of a key under whichever mark, or None."""
        if not self._known:
            return None
        found = [self._known[marker] for marker in privacy.markers(user_key) if marker in self._known]
        return max(found, key=lambda erasure: erasure.until, default=None)

    def until(self, user_keys: Iterable[str], privacy: Privacy) -> float:
        """Until when any of a user's keys was erased, in epoch seconds of event time; 0 for never."""
        found = [self.find(user_key, privacy) for user_key in user_keys]
        return max((erasure.until for erasure in found if erasure is not None), default=0.0)

    def bars(self, timed: TimedEvent, privacy: Privacy) -> float:
        """Until when the user of an event was erased, in epoch seconds of event time; 0 for never."""
        if not self._known:
            return 0.0
        return self.until([timed.user_key, *privacy.user_keys(timed.event.user_key or "")], privacy)

    def bars_record(self, value: bytes | None, privacy: Privacy) -> bool:
        """Whether a record that cannot be processed names an erased user, and so must not be kept."""
        if not self._known or value is None:
            return False
        return any(self.until(privacy.user_keys(name), privacy) for name in named_users(value))

    def pop_expired(self, before: float) -> list[str]:
        """Forget erasures that are older than any row can be, and return their markers."""
        expired: list[str] = []
        while self._by_time and self._by_time[0][0] < before:
            until, marker = heappop(self._by_time)
            known = self._known.get(marker)
            if known is not None and known.until == until:
                del self._known[marker]
                expired.append(marker)
        return expired


def decode_request(record: Record, rules: Rules) -> PrivacyRequest | Failure:
    """Validate a request; it may be no further in the future than an event."""
    value = record.value
    if value is None:
        return Failure(FailureReason.NULL_VALUE, "the record has no value")
    try:
        request = PrivacyRequest.model_validate_json(value)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        if details[0]["type"] == "json_invalid":
            return classify_json(value, details[0]["msg"])
        if not details[0]["loc"]:
            return Failure(FailureReason.NOT_AN_OBJECT, "a privacy request is a JSON object")
        named = [f"{detail['loc'][0]}: {detail['msg']}" for detail in details]
        return Failure(FailureReason.CONTRACT, "; ".join(named))
    requested_at = request.requested_at.timestamp()
    if not rules.earliest_time <= requested_at <= record.received_at + rules.allowed_skew:
        return Failure(
            FailureReason.TIME_OUT_OF_RANGE,
            f"requested_at is before 2000 or more than {rules.allowed_skew:.0f} s after its receipt",
        )
    return request


def count_contents(row: UserRow) -> dict[str, int]:
    """The contents of a row, counted by kind."""
    return {
        "rows": 1,
        "window_tiles": sum(len(tiles) for tiles in row.tiles),
        "open_sessions": len(row.open_sessions),
        "closed_sessions": row.session_durations.count,
        "traits": len(row.traits),
        "interests": sum(len(names) for names in row.interests.facets),
        "items": len({*row.recent_items, *row.top_items, *row.bought_items}),
        "message_fingerprints": len(row.recent_ids),
        "pending_labels": len(row.moments) + len(row.item_starts),
        "linked_ids": len(owned_ids(row)),
    }
