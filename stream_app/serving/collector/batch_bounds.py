"""How much one request may hold, checked before the work that it would make.

A body of a few hundred kilobytes can hold hundreds of thousands of values, and what a batch shares is
copied into each of its events.
"""

from __future__ import annotations

from collections.abc import Sized

from stream_app.intake.trackers import MAX_EVENTS
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

# Of what JSON's own characters show. Those within texts count too, which no real batch comes near to.
MOST_OBJECTS = 50_000
MOST_VALUES = 500_000
MOST_ENCODED_BYTES = 16 * 1024 * 1024


def check_shape(body: bytes) -> None:
    """Make sure that a body is no larger once it is read than it looks, by counting characters alone.

    Raises:
        RefusedError: it holds more objects or values than any batch.
    """
    if body.count(b"{") > MOST_OBJECTS or body.count(b",") + body.count(b"[") > MOST_VALUES:
        raise RefusedError(
            RefusalReason.TOO_LARGE,
            f"a body may hold {MOST_OBJECTS} objects and {MOST_VALUES} values: send smaller batches",
        )


def check_count(events: Sized) -> None:
    """Make sure that a request has no more events than are taken at once, before any of them is handled.

    Raises:
        RefusedError: it has more.
    """
    if len(events) > MAX_EVENTS:
        raise RefusedError(
            RefusalReason.TOO_LARGE,
            f"the batch holds {len(events)} events; at most {MAX_EVENTS} are taken: send smaller batches",
        )


def check_encoded(size: int) -> None:
    """Make sure that the events of a request, `size` bytes with what they share, can be held.

    Raises:
        RefusedError: they are too many bytes.
    """
    if size > MOST_ENCODED_BYTES:
        raise RefusedError(
            RefusalReason.TOO_LARGE,
            f"the batch has more than {MOST_ENCODED_BYTES} bytes, with what is shared in each event: send "
            "smaller batches, or share less",
        )
