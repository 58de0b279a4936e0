"""Estimates the number of distinct values, in 64 bits that can be merged.

Linear counting: each value sets one bit by its hash; the share of clear bits gives the estimate. Source:
Whang, Vander-Zanden, Taylor (1990), "A linear-time probabilistic counting algorithm". The standard error is 9
% at 10 values, 11 % at 64 and 14 % at 150; past about 260 all bits are set.
"""

from __future__ import annotations

from functools import lru_cache
from math import log
from zlib import crc32

BITS = 64
_ESTIMATES = [-BITS * log((BITS - count) / BITS) if count < BITS else BITS * log(BITS) for count in range(65)]


@lru_cache(maxsize=65_536)
def bit_of(value: str) -> int:
    """The bit of a value, the same on every machine."""
    return 1 << (crc32(value.encode()) >> 26)


def estimate_distinct(bits: int) -> float:
    """The estimated number of distinct values that set these bits."""
    return _ESTIMATES[bits.bit_count()]
