"""The keys of a partition's table, and how a partition is restored from it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stream_app.core.erasures import decode_erasure
from stream_app.core.partition import Partition
from stream_app.core.row_times import pack_stored_times, unpack_times
from stream_app.errors import StateError
from stream_app.features.user_row import RowVersionError
from stream_app.runtimes.kafka.state.tables import RowTable
from stream_app.schemas.topics import USER_PREFIX
from stream_app.settings.rules import Rules

META_KEY = b"m"
ERASURE_PREFIX = b"e"


def load_partition(table: RowTable, number: int, rules: Rules, place_of: Callable[[str], int]) -> Partition:
    """Restore a partition from its stored rows.

    Raises:
        BrokerError: it is not held here, or no longer.
        StateError: the database or a row cannot be read.
    """
    partition = Partition(number, rules, table.get(number, META_KEY), place_of)
    stored = table.times(number, USER_PREFIX)
    user_keys = [key.removeprefix(USER_PREFIX).decode() for key, _ in stored]
    partition.hold(user_keys, unpack_times(packed for _, packed in stored))
    for key, data in table.scan(number, ERASURE_PREFIX):
        partition.erasures.add(key.removeprefix(ERASURE_PREFIX).decode(), decode_erasure(data))
    return partition


def times_of(key: bytes, data: bytes) -> bytes | None:
    """The times of a stored user's row; None for any other entry.

    Raises:
        StateError: the row cannot be read.
    """
    if not key.startswith(USER_PREFIX):
        return None
    try:
        return pack_stored_times(data)
    except (RowVersionError, msgspec.DecodeError) as error:
        raise StateError(f"a stored row cannot be read: {error}") from error
