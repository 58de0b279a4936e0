"""The partition of a user's events, as chosen by Kafka's default partitioner (murmur2 of the key)."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2

from stream_app.intake.named_users import owner_of
from stream_app.settings.placeholder_ids import SHIPPED, PlaceholderIds


@lru_cache(maxsize=65_536)  # users send many events, and murmur2 is written in Python
def partition_of(key: bytes | None, partitions: int) -> int:
    """The partition of a record key; a record without a key goes to the first."""
    if key is None or partitions == 1:
        return 0
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def record_key(value: bytes, form: str = "", ids: PlaceholderIds = SHIPPED) -> bytes | None:
    """The key to produce an event with: its user's; None if it has no user.

    `form` is the tracker form that the settings name, and `ids` are nobody's, as `owner_of` has it.
    """
    owner = owner_of(value, form, ids)
    return owner.encode("utf-8", "surrogatepass") if owner is not None else None
