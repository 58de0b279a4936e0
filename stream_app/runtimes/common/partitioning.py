"""Which partition a user's events go to: as Kafka's default partitioner has it (murmur2 of the key)."""

from __future__ import annotations

from aiokafka.partitioner import murmur2
from pydantic_core import from_json

from stream_app.intake.decoding import named_users
from stream_app.schemas.topics import event_key
from stream_app.settings.placeholder_ids import SHIPPED, PlaceholderIds


def partition_of(key: bytes | None, partitions: int) -> int:
    """The partition of a record key; a record without one goes to the first."""
    if key is None or partitions == 1:
        return 0
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def record_key(value: bytes, ids: PlaceholderIds = SHIPPED) -> bytes | None:
    """The key under which an event is to be produced: its user's; None where it has none.

    The placeholders `ids` are nobody's key. What is broken goes to the user whom it names, so that it is
    found where the user is erased.
    """
    try:
        event = from_json(value)
    except ValueError:
        named = [user for user in named_users(value) if not ids.stands_for_nobody(user)]
        return named[0].encode() if named else None
    return event_key(event, ids.stands_for_nobody) if isinstance(event, dict) else None
