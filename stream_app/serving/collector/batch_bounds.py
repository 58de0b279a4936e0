"""Bounds on the content of a request, checked before processing it.

A body of a few hundred kilobytes can contain hundreds of thousands of values, and a batch's shared fields are
copied into each of its events.
"""

from __future__ import annotations

from collections.abc import Sized

from stream_app.intake.trackers import MAX_EVENTS
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

# Counted by JSON's structural characters, including those in strings; real batches are far below.
MOST_OBJECTS = 50_000
MOST_VALUES = 500_000
MOST_ENCODED_BYTES = 16 * 1024 * 1024


def check_shape(body: bytes) -> None:
    """Check by counting characters that a body does not expand too much when parsed.

    Raises:
        RefusedError: it has more objects or values than any valid batch.
    """
    if body.count(b"{") > MOST_OBJECTS or body.count(b",") + body.count(b"[") > MOST_VALUES:
        raise RefusedError(
            RefusalReason.TOO_LARGE,
            f"a body may hold {MOST_OBJECTS} objects and {MOST_VALUES} values: send smaller batches",
        )


def check_count(events: Sized) -> None:
    """Check that a request does not have too many events, before processing any of them.

    Raises:
        RefusedError: it has more.
    """
    if len(events) > MAX_EVENTS:
        raise RefusedError(
            RefusalReason.TOO_LARGE,
            f"the batch holds {len(events)} events; at most {MAX_EVENTS} are taken: send smaller batches",
        )


def check_encoded(size: int) -> None:
    """Check that the events of a request, `size` bytes including shared fields, fit in memory.

    Raises:
        RefusedError: they are too large.
    """
    if size > MOST_ENCODED_BYTES:
        raise RefusedError(
            RefusalReason.TOO_LARGE,
            f"the batch has more than {MOST_ENCODED_BYTES} bytes, with what is shared in each event: send "
            "smaller batches, or share less",
        )
