"""The times that determine when a row's user falls due, small enough to read them all at a start."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan
from struct import Struct
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream_app.features import content, sessions
from stream_app.features.user_row import ROW_VERSION, ItemStart, UserRow, check_version
from stream_app.learning import moments
from stream_app.settings.rules import Rules

Times = NDArray[Any]

TIMES_VERSION = 2  # increase with any change of the packed format
# Event times in epoch seconds, NaN for none: the newest event, the last event of the session that ends first,
# the oldest moment without labels, the next moment, the first started item, the next change of audiences.
_TIMES = np.dtype(
    [
        ("seen_at", "<f8"),
        ("session_at", "<f8"),
        ("moment_at", "<f8"),
        ("next_moment_at", "<f8"),
        ("start_at", "<f8"),
        ("audience_at", "<f8"),
        ("has_outgoing", "?"),
    ]
)
_pack = Struct("<6d?").pack


def pack_times(row: UserRow) -> bytes:
    """Pack the times of a row for storage."""
    return _pack(
        row.seen_at,
        _or_nan(sessions.first_last_at(row)),
        _or_nan(moments.oldest_moment_at(row)),
        _or_nan(moments.next_moment_at(row)),
        _or_nan(content.first_start(row)),
        _or_nan(row.audiences.due_at or None if row.audiences is not None else None),
        bool(row.outgoing),
    )


def _or_nan(at: float | None) -> float:
    return nan if at is None else at


def pack_stored_times(data: bytes) -> bytes:
    """Pack the times of a stored row, without decoding the rest.

    Raises:
        RowVersionError: the row is of another version. msgspec.DecodeError: the bytes are not a row.
    """
    row = cast(UserRow, _decoder.decode(data))
    check_version(row.version)
    return pack_times(row)


def unpack_times(packed: Iterable[bytes]) -> Times:
    """Unpack the times of many rows as a structured array."""
    return np.frombuffer(b"".join(packed), _TIMES)


def sessions_due(times: Times, rules: Rules) -> NDArray[np.float64]:
    """`sessions.next_due` for each row; NaN for None."""
    session_at: NDArray[np.float64] = times["session_at"]
    return sessions.due_after(session_at, rules)


def outlooks_due(times: Times, rules: Rules) -> NDArray[np.float64]:
    """`moments.next_due` for each row; NaN for None."""
    moment_at: NDArray[np.float64] = times["moment_at"]
    due: NDArray[np.float64] = np.fmin(moments.label_due_after(moment_at, rules), times["next_moment_at"])
    return due


def starts_due(times: Times, rules: Rules) -> NDArray[np.float64]:
    """`content.next_due` for each row; NaN for None."""
    start_at: NDArray[np.float64] = times["start_at"]
    return content.due_after(start_at, rules)


class _StoredSession(msgspec.Struct, array_like=True):
    started_at: float
    last_at: float


class _StoredMoment(msgspec.Struct, array_like=True):
    at: float


class _StoredAudiences(msgspec.Struct, array_like=True):
    due_at: float


_READ: dict[str, tuple[Any, Any]] = {
    "version": (int, ROW_VERSION),
    "seen_at": (float, 0.0),
    "open_sessions": (list[_StoredSession], []),
    "moments": (list[_StoredMoment], []),
    "next_moment_at": (float, 0.0),
    "outgoing": (bytes, b""),
    "item_starts": (list[ItemStart], []),
    "audiences": (_StoredAudiences | None, None),
}
_SKIPPED = (msgspec.Raw, msgspec.Raw())
_names = UserRow.__struct_fields__
# An older row lacks fields that were added since; all of these have defaults.
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
