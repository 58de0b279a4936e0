"""A treemap: areas in proportion, as near to squares as they come.

Source: Bruls, Huizing & van Wijk (2000), "Squarified treemaps".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stream_app.serving.pictures.drawing import box, cut, picture, words

WIDTH, HEIGHT = 640.0, 320.0
SERIES = 8
GAP = 2.0


class Part(NamedTuple):
    """One area; `note` stands below its name."""

    name: str
    size: float
    note: str = ""


class _Room(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def treemap(title: str, parts: Sequence[Part]) -> str:
    """Areas in proportion to sizes, the largest first."""
    shown = sorted((part for part in parts if part.size > 0), key=lambda part: -part.size)
    drawn = []
    for number, (part, room) in enumerate(_place(shown, _Room(0, 0, WIDTH, HEIGHT))):
        inner = room.width - 2 * GAP, room.height - 2 * GAP
        kind = f"area series-{number % SERIES + 1}"
        drawn.append(box(room.x + GAP, room.y + GAP, *inner, kind, f"{part.name}: {part.note}"))
        if inner[0] > 40 and inner[1] > 22:
            drawn.append(words(room.x + 9, room.y + 20, cut(part.name, inner[0] - 12), "on-area"))
        if inner[0] > 40 and inner[1] > 42:
            drawn.append(words(room.x + 9, room.y + 37, cut(part.note, inner[0] - 12), "on-area"))
    told = "; ".join(f"{part.name}: {part.note}" for part in shown)
    return picture(WIDTH, HEIGHT, title, drawn, told)


def _place(parts: Sequence[Part], room: _Room) -> Iterator[tuple[Part, _Room]]:
    """Rows along the shorter side, each as long as its areas become squarer by it."""
    waiting = list(parts)
    while waiting:
        scale = room.width * room.height / sum(part.size for part in waiting)
        side = min(room.width, room.height)
        row = [waiting.pop(0)]
        while waiting and _worst([*row, waiting[0]], side, scale) <= _worst(row, side, scale):
            row.append(waiting.pop(0))
        depth = sum(part.size for part in row) * scale / side
        reached = 0.0
        for part in row:
            length = part.size * scale / depth
            if room.width >= room.height:
                yield part, _Room(room.x, room.y + reached, depth, length)
            else:
                yield part, _Room(room.x + reached, room.y, length, depth)
            reached += length
        if room.width >= room.height:
            room = _Room(room.x + depth, room.y, room.width - depth, room.height)
        else:
            room = _Room(room.x, room.y + depth, room.width, room.height - depth)


def _worst(row: Sequence[Part], side: float, scale: float) -> float:
    """How far the least square area of a row is from a square."""
    depth = sum(part.size for part in row) * scale / side
    lengths = [part.size * scale / depth for part in row]
    return max(max(depth / length, length / depth) for length in lengths)
