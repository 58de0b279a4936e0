"""Identifies a set of outputs, regardless of order and origin."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple


class Tally(NamedTuple):
    """The number of outputs and the sum of their checksums, which show lost, duplicate or wrong ones."""

    outputs: int
    checksum: int


def tally(outputs: Iterable[bytes]) -> Tally:
    """The tally of outputs, including repeats."""
    count = checksum = 0
    for output in outputs:
        count += 1
        checksum += zlib.crc32(output)
    return Tally(count, checksum)
