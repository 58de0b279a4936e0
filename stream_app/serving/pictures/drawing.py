"""The parts that pictures are drawn with. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

FONT_SIZE = 13
CHARACTER = 7.5  # about as wide as one is at this size, in px


def picture(width: float, height: float, title: str, parts: Iterable[str], described: str = "") -> str:
    """An SVG that scales with its page; its title and description are read aloud."""
    body = "".join(parts)
    text = f"<title>{escape(title)}</title>" + (f"<desc>{escape(described)}</desc>" if described else "")
    return (
        f'<svg class="picture" role="img" viewBox="0 0 {width:g} {height:g}" '
        f'font-size="{FONT_SIZE}" xmlns="http://www.w3.org/2000/svg">{text}{body}</svg>'
    )


def box(x: float, y: float, width: float, height: float, kind: str, hint: str = "") -> str:
    """A rectangle of a class; `hint` shows where a pointer rests on it."""
    told = f"<title>{escape(hint)}</title>" if hint else ""
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
        f'height="{max(height, 0):.1f}" rx="2">{told}</rect>'
    )


def line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    """A line of a class."""
    return f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def words(x: float, y: float, text: str, kind: str = "label", anchor: str = "start") -> str:
    """Text whose baseline is at `y`."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def cut(text: str, width: float) -> str:
    """A text that fits a width, with an ellipsis where it was cut."""
    room = max(int(width / CHARACTER), 1)
    return text if len(text) <= room else f"{text[: room - 1]}…"
