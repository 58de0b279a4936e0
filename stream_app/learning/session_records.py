"""Closed sessions as a recommender reads them: the contract of `schemas.outputs`, decoded by msgspec.

The contract rules, as it does for events (`intake/wire.py`): what does not decode here is judged by it.
tests/contract/test_session_records.py holds the two to the same answers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
AwareTime = Annotated[datetime, Meta(tz=True)]


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Source(_Part):
    topic: str
    partition: Count
    offset: Count


class DescribedItem(_Part):
    """What was told of an item."""

    category: str | None = None
    brand: str | None = None


class SessionRecord(_Part, tag_field="schema_name", tag="closed_session"):
    """A closed session, field by field as `ClosedSession` has it."""

    id: str
    user_key: str | None
    as_of: AwareTime
    emitted_at: AwareTime
    source: _Source
    session_id: str
    started_at: AwareTime
    ended_at: AwareTime
    duration: Annotated[float, Meta(ge=0)]
    event_count: Count
    page_views: Count
    items: list[str]
    is_bot: bool
    device: str | None = None
    country: str | None = None
    may_personalise: bool = False
    item_facts: dict[str, DescribedItem] = {}
    model: None = None
    schema_version: Annotated[int, Meta(ge=1, le=1)] = 1


_decode = msgspec.json.Decoder(SessionRecord).decode


def read_session(value: bytes) -> SessionRecord | None:
    """Return the closed session of a record; None for another kind, and where the contract has to judge."""
    try:
        return _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
