"""Windows of declared features: tiles of a hop, as in `features.windows`, each numbered by seven bits.

No window has more than 60 tiles, so the newest one's number tells what the last seven bits of the others'
stand for: a tile takes one byte more than its part.
"""

from __future__ import annotations

from typing import Any

from stream_app.definitions.spans import Tiling
from stream_app.features.declared.aggregates import Aggregate, Value

Tiles = tuple[int, dict[int, Any]]
BITS = 0x7F


def add(
    kept: dict[int, Tiles], place: int, tiling: Tiling, aggregate: Aggregate, value: Value, at: float
) -> None:
    """Add a value of event time `at`, unless no window reads its tile any more."""
    parts = _reach(kept, place, tiling, int(at // tiling.hop))
    if parts is not None:
        key = int(at // tiling.hop) & BITS
        parts[key] = aggregate.add(parts.get(key), value, at)


def merge(kept: dict[int, Tiles], place: int, tiling: Tiling, aggregate: Aggregate, other: Tiles) -> None:
    """Add all of another user's tiles."""
    newest, theirs = other
    for key, part in theirs.items():
        index = _index(newest, key)
        parts = _reach(kept, place, tiling, index)
        if parts is not None:
            mine = parts.get(index & BITS)
            parts[index & BITS] = part if mine is None else aggregate.merge(mine, part)


def covered(tiles: Tiles | None, tiling: Tiling, at: float) -> list[Any]:
    """The parts within the window at event time `at`, oldest first."""
    if tiles is None:
        return []
    newest, parts = tiles
    last = int(at // tiling.hop)
    by_index = sorted((_index(newest, key), key) for key in parts)
    return [parts[key] for index, key in by_index if last - tiling.behind <= index <= last]


def next_change(tiles: Tiles | None, tiling: Tiling, at: float) -> float | None:
    """The event time after `at` at which the window loses a tile; None if it is empty then."""
    if tiles is None:
        return None
    newest, parts = tiles
    last = int(at // tiling.hop)
    covered_now = [index for key in parts if last - tiling.behind <= (index := _index(newest, key)) <= last]
    return (min(covered_now) + tiling.behind + 1) * tiling.hop if covered_now else None


def _reach(kept: dict[int, Tiles], place: int, tiling: Tiling, index: int) -> dict[int, Any] | None:
    """The parts by their keys, ready to take the tile `index`; None if no window reads it any more."""
    known = kept.get(place)
    if known is None:
        parts: dict[int, Any] = {}
        kept[place] = (index, parts)
        return parts
    newest, parts = known
    if index > newest:
        for key in [key for key in parts if _index(newest, key) < index - tiling.behind]:
            del parts[key]
        kept[place] = (index, parts)
    elif index < newest - tiling.behind:
        return None
    return parts


def _index(newest: int, key: int) -> int:
    return newest - ((newest - key) & BITS)
