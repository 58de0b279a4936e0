"""Sawtooth windows: tiles of a hop plus a fresh head, so that memory is bounded and values are current.

A window of span S and hop H reads the current tile and the S/H full tiles before it: it covers at least
S and less than S + H seconds, whatever came in between. Source: "Sawtooth windows", the Chronon and
Zipline feature stores' scheme of accurate head and coarse tail.
"""

from __future__ import annotations

from typing import NamedTuple

from stream_app.core.rules import DAY, HOUR, MINUTE

Tiles = dict[int, list[float | int]]


class Window(NamedTuple):
    """Span and hop in seconds; the span is a whole number of hops."""

    name: str
    span: float
    hop: float

    @property
    def tile_count(self) -> int:
        """How many full tiles lie behind the head."""
        return round(self.span / self.hop)


WINDOWS: tuple[Window, ...] = (
    Window("5m", 5 * MINUTE, 30.0),
    Window("1h", HOUR, 5 * MINUTE),
    Window("24h", DAY, HOUR),
    Window("7d", 7 * DAY, 6 * HOUR),
    Window("30d", 30 * DAY, DAY),
)


class Measures(NamedTuple):
    """What is summed in a tile; duration in seconds, revenue in the events' own currency."""

    events: int = 0
    page_views: int = 0
    actions: int = 0
    sessions: int = 0
    purchases: int = 0
    duration: float = 0
    revenue: float = 0


def new_tiles() -> list[Tiles]:
    """One empty set of tiles per window."""
    return [{} for _ in WINDOWS]


def add(tiles: list[Tiles], measures: Measures, at: float, latest_at: float) -> None:
    """Add measures at event time `at`; tiles that no window at `latest_at` reads any more are dropped."""
    for window, window_tiles in zip(WINDOWS, tiles, strict=True):
        index = int(at // window.hop)
        tile = window_tiles.get(index)
        if tile is not None:
            for position, value in enumerate(measures):
                if value:
                    tile[position] += value
            continue
        oldest = int(latest_at // window.hop) - window.tile_count
        if index < oldest:
            continue
        window_tiles[index] = list(measures)
        if len(window_tiles) > window.tile_count + 1:
            for expired in [tile_index for tile_index in window_tiles if tile_index < oldest]:
                del window_tiles[expired]


def read(tiles: list[Tiles], window_index: int, at: float) -> Measures:
    """The sums of one window as they stand at event time `at`."""
    window = WINDOWS[window_index]
    newest = int(at // window.hop)
    oldest = newest - window.tile_count
    covered = [tile for index, tile in tiles[window_index].items() if oldest <= index <= newest]
    return Measures._make(map(sum, zip(*covered, strict=True))) if covered else Measures()
