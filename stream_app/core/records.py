"""What a shell hands to the core: raw records of one partition, in offset order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec


class Record(msgspec.Struct, frozen=True):
    """One raw record. `received_at` is epoch seconds: when the log (or the file's reader) took it in.

    One that is `left_out` is not looked at, and fails: it has stopped its worker too often. Of
    one that `is_history` the time of receipt is that of a replay, and bounds nothing.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    received_at: float
    left_out: bool = False
    is_history: bool = False


class Batch(NamedTuple):
    """Records of one partition, in offset order."""

    topic: str
    partition: int
    records: Sequence[Record]
