"""Sawtooth windows: tiles of a hop plus a fresh head, so that memory is bounded and values are current.

A window of span S and hop H reads the current tile and the S/H full tiles before it: it covers at least
S and less than S + H seconds, whatever came in between. Source: "Sawtooth windows", the Chronon and
Zipline feature stores' scheme of accurate head and coarse tail.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import NamedTuple

from stream_app.features.distinct import estimate_distinct
from stream_app.settings.rules import DAY, HOUR, MINUTE

Tile = list[float | int]
Tiles = dict[int, Tile]


class Window(NamedTuple):
    """Span and hop in seconds; the span is a whole number of hops."""

    name: str
    span: float
    hop: float

    @property
    def tile_count(self) -> int:
        """The number of full tiles behind the current partial one."""
        return round(self.span / self.hop)


WINDOWS: tuple[Window, ...] = (
    Window("5m", 5 * MINUTE, 30.0),
    Window("1h", HOUR, 5 * MINUTE),
    Window("24h", DAY, HOUR),
    Window("7d", 7 * DAY, 6 * HOUR),
    Window("30d", 30 * DAY, DAY),
)
_LEVELS = tuple((window.hop, window.tile_count) for window in WINDOWS)


class Sums(NamedTuple):
    """One window as it stands at one time; a tile holds the same in a list of the same order.

    Durations are in seconds, revenue in the events' currency. Shortest, longest, smallest and largest mean
    nothing while there is no session or no purchase. Of pages and items a tile holds a set in 64 bits (see
    `distinct`).
    """

    events: int
    page_views: int
    actions: int
    sessions: int
    purchases: int
    duration: float
    revenue: float
    shortest_session: float
    longest_session: float
    smallest_purchase: float
    largest_purchase: float
    distinct_pages: float
    distinct_items: float


_EMPTY: Tile = [0] * len(Sums._fields)
_cell = Sums._fields.index
_EVENTS, _PAGE_VIEWS, _ACTIONS = _cell("events"), _cell("page_views"), _cell("actions")
_SESSIONS, _DURATION = _cell("sessions"), _cell("duration")
_SHORTEST, _LONGEST = _cell("shortest_session"), _cell("longest_session")
_PURCHASES, _REVENUE = _cell("purchases"), _cell("revenue")
_SMALLEST, _LARGEST = _cell("smallest_purchase"), _cell("largest_purchase")
_PAGES, _ITEMS = _cell("distinct_pages"), _cell("distinct_items")
PLAIN_SUMS = range(_SHORTEST)  # the cells of which a window is the sum over its tiles


def new_tiles() -> list[Tiles]:
    """One empty set of tiles per window."""
    return [{} for _ in WINDOWS]


def add_event(
    tiles: list[Tiles], at: float, latest_at: float, is_view: bool, page_bit: int, item_bit: int
) -> None:
    """Count one page view or action at event time `at`; the bits are those of its page and item, or 0."""
    kind = _PAGE_VIEWS if is_view else _ACTIONS
    for (hop, count), level in zip(_LEVELS, tiles, strict=True):
        index = int(at // hop)
        tile = level.get(index)
        if tile is None:
            tile = _begin_tile(level, index, int(latest_at // hop) - count, count)
            if tile is None:
                continue
        tile[_EVENTS] += 1
        tile[kind] += 1
        if page_bit:
            tile[_PAGES] |= page_bit  # type: ignore[operator]  # these two cells are whole numbers
        if item_bit:
            tile[_ITEMS] |= item_bit  # type: ignore[operator]


def add_purchase(tiles: list[Tiles], at: float, latest_at: float, revenue: float) -> None:
    """Count one completed order."""
    revenue = _short(revenue)
    for tile in _tiles_at(tiles, at, latest_at):
        tile[_SMALLEST] = min(tile[_SMALLEST], revenue) if tile[_PURCHASES] else revenue
        tile[_LARGEST] = max(tile[_LARGEST], revenue) if tile[_PURCHASES] else revenue
        tile[_PURCHASES] += 1
        tile[_REVENUE] += revenue


def add_session(tiles: list[Tiles], at: float, latest_at: float, duration: float) -> None:
    """Count one session that ended at `at`."""
    duration = _short(duration)
    for tile in _tiles_at(tiles, at, latest_at):
        tile[_SHORTEST] = min(tile[_SHORTEST], duration) if tile[_SESSIONS] else duration
        tile[_LONGEST] = max(tile[_LONGEST], duration) if tile[_SESSIONS] else duration
        tile[_SESSIONS] += 1
        tile[_DURATION] += duration


def add_page_views(tiles: list[Tiles], at: float, latest_at: float, count: int) -> None:
    """Add page views of which a tracker gives only the number."""
    for tile in _tiles_at(tiles, at, latest_at):
        tile[_PAGE_VIEWS] += count


def prune(tiles: list[Tiles], latest_at: float) -> None:
    """Drop the tiles that no window at `latest_at` or later reads."""
    for (hop, count), level in zip(_LEVELS, tiles, strict=True):
        oldest = int(latest_at // hop) - count
        for expired in [index for index in level if index < oldest]:
            del level[expired]


def merge(tiles: list[Tiles], other: list[Tiles]) -> None:
    """Add another user's tiles to `tiles`."""
    for level, other_level in zip(tiles, other, strict=True):
        for index, added in other_level.items():
            tile = level.get(index)
            level[index] = list(added) if tile is None else _combine([tile, added])


def covered(tiles: list[Tiles], window_index: int, at: float) -> list[Tile]:
    """The tiles within a window at event time `at`."""
    hop, count = _LEVELS[window_index]
    newest = int(at // hop)
    oldest = newest - count
    return [tile for index, tile in tiles[window_index].items() if oldest <= index <= newest]


def read(tiles: list[Tiles], window_index: int, at: float) -> Sums | None:
    """A window at event time `at`; None if it is empty."""
    found = covered(tiles, window_index, at)
    if not found:
        return None
    cells = found[0] if len(found) == 1 else _combine(found)
    return Sums._make(
        (*cells[:_PAGES], estimate_distinct(int(cells[_PAGES])), estimate_distinct(int(cells[_ITEMS])))
    )


def _short(value: float) -> float:
    """A whole number as one: it takes 1 to 5 bytes of a row, not 9."""
    return int(value) if float(value).is_integer() else value


def _combine(tiles: list[Tile]) -> Tile:
    combined: Tile = list(map(sum, zip(*[tile[: PLAIN_SUMS.stop] for tile in tiles], strict=True)))
    combined += [0] * (len(_EMPTY) - PLAIN_SUMS.stop)
    for low, high, count in ((_SHORTEST, _LONGEST, _SESSIONS), (_SMALLEST, _LARGEST, _PURCHASES)):
        if combined[count]:
            counted = [tile for tile in tiles if tile[count]]
            combined[low] = min([tile[low] for tile in counted])
            combined[high] = max([tile[high] for tile in counted])
    for bits in (_PAGES, _ITEMS):
        combined[bits] = reduce(or_, [tile[bits] for tile in tiles])
    return combined


def _tiles_at(tiles: list[Tiles], at: float, latest_at: float) -> list[Tile]:
    """The tile of each window that `at` falls into, but for those that no window reads any more."""
    found: list[Tile] = []
    for (hop, count), level in zip(_LEVELS, tiles, strict=True):
        index = int(at // hop)
        tile = level.get(index) or _begin_tile(level, index, int(latest_at // hop) - count, count)
        if tile is not None:
            found.append(tile)
    return found


def _begin_tile(level: Tiles, index: int, oldest: int, count: int) -> Tile | None:
    """An empty tile in its place, unless no window reads it any more."""
    if index < oldest:
        return None
    tile = level[index] = _EMPTY.copy()
    if len(level) > count + 1:
        for expired in [other for other in level if other < oldest]:
            del level[expired]
    return tile
