"""How large the part of a row that declared features take can become."""

from __future__ import annotations

from typing import NamedTuple

from stream_app.definitions.features import LIFETIME, SESSION
from stream_app.definitions.file import Definitions
from stream_app.features.declared.engine import VERSION_BYTES, Kept, engine_of
from stream_app.features.declared.visits import MAX_VISITS

MOST_BYTES = 4_096
# In MessagePack: a place, an event time, and the heads of a map or list of up to 65,535 entries.
PLACE, TIME, HEAD = 1, 9, 3
ALL = 5 * HEAD + 2  # the heads of what a state consists of, and of the versions


class Size(NamedTuple):
    """The most bytes that a series takes of a row."""

    name: str
    feature: str
    line: int
    most_bytes: int


def sizes(definitions: Definitions) -> list[Size]:
    """The most bytes that each series takes, in their order."""
    lines = {
        feature.name: line
        for feature, line in zip(definitions.features, definitions.feature_lines, strict=False)
    }
    return [
        Size(kept.series.name, kept.feature.name, lines.get(kept.feature.name, 0), _most_bytes(kept))
        for kept in engine_of(definitions).kept
    ]


def most_bytes(definitions: Definitions) -> int:
    """The most bytes that all of them together take of a row."""
    has_sessions = any(SESSION in feature.windows for feature in definitions.features)
    of_visits = MAX_VISITS * (HEAD + 2 * TIME + HEAD) if has_sessions else 0
    return ALL + of_visits + sum(size.most_bytes for size in sizes(definitions))


def _most_bytes(kept: Kept) -> int:
    always = VERSION_BYTES + PLACE + TIME  # its version, and since when it is complete
    part = kept.aggregate.most_bytes
    if kept.series.tiling is not None:
        return always + PLACE + 1 + 5 + HEAD + (kept.series.tiling.behind + 1) * (PLACE + part)
    if kept.series.window == LIFETIME:
        return always + PLACE + part
    return always + MAX_VISITS * (PLACE + part)
