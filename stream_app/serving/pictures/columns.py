"""Columns over time, stacked where there are several series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stream_app.serving.pictures.drawing import box, line, picture, words
from stream_app.serving.pictures.numbers import ceiling, plain

WIDTH, HEIGHT = 640.0, 240.0
LEFT, BOTTOM, TOP = 56.0, 26.0, 26.0
GRID_LINES = 4
MOST_LABELS = 7


class Series(NamedTuple):
    """Values in the order of the times; `kind` is the class that gives its colour."""

    name: str
    values: Sequence[float]
    kind: str = "series-1"


def columns(title: str, times: Sequence[str], series: Sequence[Series]) -> str:
    """Stacked columns, one for each time, with a legend where there are several series."""
    totals = [sum(values) for values in zip(*(each.values for each in series), strict=True)]
    most = ceiling(max(totals, default=1.0))
    floor_at = HEIGHT - BOTTOM
    scale = (floor_at - TOP) / most
    step = (WIDTH - LEFT) / max(len(times), 1)
    parts = [*_grid(most, scale, floor_at), *_legend(series)]
    every = max(-(-len(times) // MOST_LABELS), 1)
    for place, time in enumerate(times):
        bottom = floor_at
        x = LEFT + place * step
        for each in series:
            height = each.values[place] * scale
            bottom -= height
            hint = f"{time}, {each.name}: {plain(each.values[place])}"
            parts.append(box(x + step * 0.1, bottom, step * 0.8, height, each.kind, hint))
        if place % every == 0:
            parts.append(words(x + step / 2, HEIGHT - 8, time, anchor="middle"))
    told = "; ".join(f"{time}: {plain(total)}" for time, total in zip(times, totals, strict=True))
    return picture(WIDTH, HEIGHT, title, parts, told)


def _grid(most: float, scale: float, floor_at: float) -> list[str]:
    parts = []
    for number in range(GRID_LINES + 1):
        value = most * number / GRID_LINES
        y = floor_at - value * scale
        parts += [
            line(LEFT, y, WIDTH, y, "grid"),
            words(LEFT - 6, y + 4, plain(value), "number", "end"),
        ]
    return parts


def _legend(series: Sequence[Series]) -> list[str]:
    if len(series) < 2:
        return []
    parts = []
    for place, each in enumerate(series):
        x = LEFT + place * 120
        parts += [box(x, 4, 12, 12, each.kind), words(x + 18, 15, each.name)]
    return parts
