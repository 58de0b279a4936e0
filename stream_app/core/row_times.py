"""The times of a row, which alone tell when its user falls due: so small that a start reads all of them."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan
from struct import Struct
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream_app.features.content import GATHERED_FOR, first_start
from stream_app.features.user_row import ROW_VERSION, ItemStart, UserRow, check_version
from stream_app.learning.moments import MAX_MOMENTS
from stream_app.settings.rules import Rules

Times = NDArray[Any]

TIMES_VERSION = 1  # to be raised with any change of what is packed
# Event times in epoch seconds, NaN for none: of any event; of the last of the session that ends first; of the
# oldest moment without labels; of the next moment; of the first item started.
_TIMES = np.dtype(
    [
        ("seen_at", "<f8"),
        ("session_at", "<f8"),
        ("moment_at", "<f8"),
        ("next_moment_at", "<f8"),
        ("start_at", "<f8"),
        ("has_outgoing", "?"),
    ]
)
_pack = Struct("<5d?").pack


def pack_times(row: UserRow) -> bytes:
    """The times of a row as they are stored."""
    sessions, moments = row.open_sessions, row.moments
    started_at = first_start(row) if row.item_starts else None
    return _pack(
        row.seen_at,
        min([session.last_at for session in sessions]) if sessions else nan,
        moments[0].at if moments else nan,
        row.next_moment_at if row.next_moment_at and len(moments) < MAX_MOMENTS else nan,
        nan if started_at is None else started_at,
        bool(row.outgoing),
    )


def pack_stored_times(data: bytes) -> bytes:
    """The times of a stored row, of which nothing else is decoded.

    Raises:
        RowVersionError: the row is of another version.
        msgspec.DecodeError: the bytes are no row.
    """
    row = cast(UserRow, _decoder.decode(data))
    check_version(row.version)
    return pack_times(row)


def unpack_times(packed: Iterable[bytes]) -> Times:
    """The times of many rows, a field of the array for each."""
    return np.frombuffer(b"".join(packed), _TIMES)


def sessions_due(times: Times, rules: Rules) -> NDArray[np.float64]:
    """What `sessions.next_due` says of each row; NaN for None."""
    due: NDArray[np.float64] = times["session_at"] + rules.session_gap
    return due


def outlooks_due(times: Times, rules: Rules) -> NDArray[np.float64]:
    """What `outlook.next_due` says of each row; NaN for None."""
    due: NDArray[np.float64] = np.fmin(times["moment_at"] + rules.outlook_horizon, times["next_moment_at"])
    return due


def starts_due(times: Times, rules: Rules) -> NDArray[np.float64]:
    """What `content.next_due` says of each row; NaN for None."""
    due: NDArray[np.float64] = times["start_at"] + rules.content_horizon + GATHERED_FOR
    return due


class _StoredSession(msgspec.Struct, array_like=True):
    started_at: float
    last_at: float


class _StoredMoment(msgspec.Struct, array_like=True):
    at: float


_READ: dict[str, tuple[Any, Any]] = {
    "version": (int, ROW_VERSION),
    "seen_at": (float, 0.0),
    "open_sessions": (list[_StoredSession], []),
    "moments": (list[_StoredMoment], []),
    "next_moment_at": (float, 0.0),
    "outgoing": (bytes, b""),
    "item_starts": (list[ItemStart], []),
}
_SKIPPED = (msgspec.Raw, msgspec.Raw())
_names = UserRow.__struct_fields__
# An older row ends before the fields that were added since: all have defaults.
_decoder = msgspec.msgpack.Decoder(
    msgspec.defstruct(
        "UserRowTimes",
        [
            (name, *_READ.get(name, _SKIPPED))
            for name in _names[: 1 + max(_names.index(name) for name in _READ)]
        ],
        array_like=True,
    )
)
