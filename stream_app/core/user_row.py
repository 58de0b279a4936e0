"""All that is known of one user: one bounded, versioned value, written once per batch.

On disk a row is MessagePack of the fields in their order, the row's version first. Fields may be added
at the end with a default: older rows are read as they are. Any other change raises `ROW_VERSION`.
"""

from __future__ import annotations

import msgspec

from stream_app.core.statistics import RunningStats, Shares
from stream_app.core.windows import Tiles, new_tiles

ROW_VERSION = 1
MAX_TRAITS = 32
MAX_TRAIT_LENGTH = 128
MAX_RECENT_IDS = 512
MAX_RECENT_ITEMS = 20


class OpenSession(msgspec.Struct, array_like=True):
    """A session that may still grow. `items` are (event time, item id), in order of event time.

    `last_offset` is the offset of the newest record that is part of it: the cause of its closing.
    """

    started_at: float
    last_at: float
    topic: str
    last_offset: int
    event_count: int = 0
    page_views: int = 0
    items: list[tuple[float, str]] = []


class UserRow(msgspec.Struct, array_like=True):
    """The rolling features of one user. Times are epoch seconds of event time.

    `applied` holds, per source topic, the last offset that this row contains: records at or below it
    are skipped, so that a replay after a crash changes nothing. `next_tier` is a tier that was decided
    once and waits to be decided again; `recommended_item` is the item that the last recommendations follow.
    """

    version: int = ROW_VERSION
    applied: dict[str, int] = {}
    first_at: float = 0.0
    last_at: float = 0.0
    recent_ids: dict[int, float] = {}
    counts: dict[str, int] = {}
    tiles: list[Tiles] = msgspec.field(default_factory=new_tiles)
    open_sessions: list[OpenSession] = []
    session_durations: RunningStats = msgspec.field(default_factory=RunningStats)
    session_page_views: RunningStats = msgspec.field(default_factory=RunningStats)
    session_gaps: RunningStats = msgspec.field(default_factory=RunningStats)
    last_session_end: float = 0.0
    devices: Shares = {}
    browsers: Shares = {}
    systems: Shares = {}
    countries: Shares = {}
    active_days: int = 0
    last_active_day: int = 0
    traits: dict[str, float | str] = {}
    recent_items: list[str] = []
    tier: int = 0
    next_tier: int = 0
    scored_at: float = 0.0
    recommended_at: float = 0.0
    recommended_item: str = ""


class RowVersionError(ValueError):
    """A row was written by a version of the program that this one does not know."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(UserRow)


def encode_row(row: UserRow) -> bytes:
    """The row as it is stored."""
    return _encoder.encode(row)


def decode_row(data: bytes) -> UserRow:
    """Read a stored row.

    Raises:
        RowVersionError: the row is of another version.
        msgspec.DecodeError: the bytes are no row.
    """
    row = _decoder.decode(data)
    if row.version != ROW_VERSION:
        raise RowVersionError(
            f"a user row is of version {row.version}, this program reads version {ROW_VERSION}: "
            "run the program that wrote it, or start from an empty state folder"
        )
    return row
