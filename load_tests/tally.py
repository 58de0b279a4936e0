"""What identifies a set of outputs, whoever made them and in whatever order."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple


class Tally(NamedTuple):
    """How many outputs there are, and the sum of their checksums: what is lost, doubled or wrong shows."""

    outputs: int
    checksum: int


def tally(outputs: Iterable[bytes]) -> Tally:
    """Of outputs, repeats counted as often as they come."""
    count = checksum = 0
    for output in outputs:
        count += 1
        checksum += zlib.crc32(output)
    return Tally(count, checksum)
