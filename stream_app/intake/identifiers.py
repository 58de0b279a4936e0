"""The fingerprint of an event: the same each time it is sent, and different from all others."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from stream_app.intake import properties
from stream_app.intake.wire import Event, TrackCall

_encode = msgspec.json.Encoder(order="sorted").encode


def event_fingerprint(event: Event) -> int:
    """63 bits of a hash that identifies an event, for a row to remember.

    It covers the message id or, without one, everything except the times of sending and receipt.
    """
    if event.message_id is not None:
        identity = event.message_id.encode()
    else:
        identity = _encode(msgspec.structs.replace(event, sent_at=None, received_at=None))
    return int.from_bytes(blake2b(identity, digest_size=8).digest(), "big") >> 1


def order_fingerprint(event: Event) -> int | None:
    """63 bits of a hash of a completed order's id; None if it is not an order, or has no id."""
    if not isinstance(event, TrackCall) or event.event != properties.PURCHASE:
        return None
    order = properties.order_id(event.properties)
    if not order:
        return None
    return int.from_bytes(blake2b(order.encode(), digest_size=8, person=b"order").digest(), "big") >> 1
