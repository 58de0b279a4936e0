"""The envelope of every output: an id derived from its cause, user, times and source.

The same cause gives the same id, on every machine and in every replay.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from stream_app.schemas.outputs import SourcePosition


class Cause(msgspec.Struct, frozen=True):
    """The record that causes outputs."""

    topic: str
    partition: int
    offset: int


def cause_of(source: SourcePosition) -> Cause:
    """The cause of an existing output, for outputs that follow from it."""
    return Cause(source.topic, source.partition, source.offset)


def output_id(kind: str, cause: Cause, moment: str = "") -> str:
    """32 hex digits for one kind of output of one record; `moment` distinguishes several of the same kind."""
    text = f"{kind}\x1f{cause.topic}\x1f{cause.partition}\x1f{cause.offset}\x1f{moment}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def envelope(
    output_id: str, user_key: str | None, as_of: datetime, emitted_at: datetime, cause: Cause
) -> dict[str, Any]:
    """The fields that all outputs share, in the order of their contract."""
    return {
        "id": output_id,
        "user_key": user_key,
        "as_of": as_of,
        "emitted_at": emitted_at,
        "source": SourcePosition.of_valid(topic=cause.topic, partition=cause.partition, offset=cause.offset),
    }
