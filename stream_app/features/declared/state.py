"""What a row keeps of a company's own features: plain data, which only the engine reads."""

from __future__ import annotations

from typing import Any

import msgspec


class Visit(msgspec.Struct, array_like=True):
    """Events without a longer pause between them, from the first to the last (epoch seconds).

    `parts` are what features over the open session have of it, by their place.
    """

    first_at: float
    last_at: float
    parts: dict[int, Any] = {}


class DeclaredState(msgspec.Struct, array_like=True):
    """The features of one user, each by its place among `versions` (4 bytes each, big-endian).

    `since` is there for features that do not know all of the user's events: those after that event time
    (epoch seconds) are counted. `parts` are of features over all time. `tiles` are of windows: the newest
    tile's number, then parts by the numbers' last seven bits.
    """

    versions: bytes = b""
    since: dict[int, float] = {}
    parts: dict[int, Any] = {}
    tiles: dict[int, tuple[int, dict[int, Any]]] = {}
    visits: list[Visit] = []
