"""Spans of time as they are written in definitions: `5m`, `24h`, `30d`."""

from __future__ import annotations

import re
from typing import NamedTuple

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
SHORTEST_WINDOW, LONGEST_WINDOW = 5 * MINUTE, 30 * DAY
LEAST_TILES, MOST_TILES = 10, 60

_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}
_SPAN = re.compile(r"(\d{1,5})([mhd])", re.ASCII)
_HOPS = (DAY, 6 * HOUR, 3 * HOUR, HOUR, 15 * MINUTE, 5 * MINUTE, MINUTE, 30.0)


class Tiling(NamedTuple):
    """A window as whole tiles of `hop` seconds, `behind` of them behind the current one."""

    hop: float
    behind: int


def seconds_of(span: str) -> float:
    """The length of a span in seconds.

    Raises:
        ValueError: it is not written so, or is nothing.
    """
    found = _SPAN.fullmatch(span)
    if found is None or not int(found[1]):
        raise ValueError(f"write {span!r} as a number and a unit: 30m, 24h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def tiling_of(window: str) -> Tiling:
    """How a window is divided: by the longest hop that makes at least ten whole tiles of it.

    Raises:
        ValueError: the window is too short, too long or of an odd length.
    """
    span = seconds_of(window)
    if not SHORTEST_WINDOW <= span <= LONGEST_WINDOW:
        raise ValueError(f"a window lasts from 5m to 30d, not {window}; for all time write lifetime")
    hop = next(hop for hop in _HOPS if span % hop == 0 and span / hop >= LEAST_TILES)
    count = round(span / hop)
    if count > MOST_TILES:
        raise ValueError(f"{window} cannot be divided into {MOST_TILES} tiles or fewer: write a rounder span")
    return Tiling(hop, count)
