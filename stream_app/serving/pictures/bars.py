"""Horizontal bars, each with its label, its number and, where it is known, its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stream_app.serving.pictures.drawing import CHARACTER, box, cut, line, picture, words
from stream_app.serving.pictures.numbers import ceiling, plain

WIDTH = 640.0
ROW = 26.0
THICKNESS = 16.0
LEAST_SIDE, MOST_SIDE = 60.0, 215.0


class Bar(NamedTuple):
    """One bar; `note` follows its number, and `is_marked` sets it apart."""

    label: str
    value: float
    interval: tuple[float, float] | None = None
    note: str = ""
    is_marked: bool = False


def bars(
    title: str,
    rows: Sequence[Bar],
    tell: Callable[[float], str] = plain,
    end: float | None = None,
) -> str:
    """Bars from zero, to the left where a value is negative; the axis ends at `end`."""
    reached = [abs(bound) for bar in rows for bound in (bar.value, *(bar.interval or ()))]
    most = end or ceiling(max(reached, default=1.0))
    is_signed = any(bound < 0 for bar in rows for bound in (bar.value, *(bar.interval or ())))
    labels = _side(bar.label for bar in rows)
    numbers = _side(_number(bar, tell) for bar in rows)
    room = WIDTH - labels - numbers
    zero = labels + (room / 2 if is_signed else 0)
    scale = (room / 2 if is_signed else room) / most
    parts = [line(zero, 0, zero, ROW * len(rows), "axis")]
    for place, bar in enumerate(rows):
        parts += _draw(bar, place * ROW, zero, scale)
        baseline = (place + 0.5) * ROW + 4.5
        parts += [
            words(labels - 8, baseline, cut(bar.label, labels - 10), anchor="end"),
            words(WIDTH - numbers + 8, baseline, cut(_number(bar, tell), numbers - 8), "number"),
        ]
    told = "; ".join(f"{bar.label}: {tell(bar.value)}" for bar in rows)
    return picture(WIDTH, ROW * max(len(rows), 1), title, parts, told)


def _number(bar: Bar, tell: Callable[[float], str]) -> str:
    return f"{tell(bar.value)} {bar.note}".strip()


def _side(texts: Iterable[str]) -> float:
    """The room that the longest text takes beside the bars."""
    widest = max((CHARACTER * len(text) + 12 for text in texts), default=0.0)
    return min(max(widest, LEAST_SIDE), MOST_SIDE)


def _draw(bar: Bar, top: float, zero: float, scale: float) -> list[str]:
    length = bar.value * scale
    kind = "bar marked" if bar.is_marked else "bar minus" if bar.value < 0 else "bar"
    middle = top + ROW / 2
    hint = f"{bar.label} {bar.note}".strip()
    parts = [box(min(zero, zero + length), middle - THICKNESS / 2, abs(length), THICKNESS, kind, hint)]
    if bar.interval is not None:
        low, high = (zero + bound * scale for bound in bar.interval)
        parts += [
            line(low, middle, high, middle, "interval"),
            line(low, middle - 4, low, middle + 4, "interval"),
            line(high, middle - 4, high, middle + 4, "interval"),
        ]
    return parts
