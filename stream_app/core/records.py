"""What a runtime passes to the core: raw records of one partition, in offset order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec


class Record(msgspec.Struct, frozen=True):
    """One raw record. `received_at` is when the log (or the file's reader) received it, in epoch seconds.

    `left_out`: it has stopped its worker too often, so it fails without being read. `is_history`: the receipt
    time is that of a replay and bounds nothing.
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
