"""Closed sessions decoded by msgspec for recommenders, according to the contract in `schemas.outputs`.

The contract has the last word, as for events (`intake/wire.py`): records that do not decode here go to it.
tests/contract/test_session_records.py checks that both agree.
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
    """What events said about an item."""

    category: str | None = None
    brand: str | None = None


class SessionRecord(_Part, tag_field="schema_name", tag="closed_session"):
    """A closed session with the fields of `ClosedSession`."""

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
    """Return the closed session in a record; None for another kind, or if the contract has to decide."""
    try:
        return _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
