"""Files of sessions for evaluating recommendations, and of the positions to evaluate."""

import math
from collections.abc import Iterator
from pathlib import Path

from stream_app.models.judging.recommendation_evaluation import ClickedSession

CLICK_COLUMNS = ("SessionId", "ItemId", "Time")
POSITION_COLUMNS = ("SessionId", "Position")


def read_session_clicks(path: Path) -> list[ClickedSession]:
    """Read a tab-separated file with the header SessionId, ItemId, Time (epoch seconds), a click a row.

    Clicks of a session are ordered by time, and by file order if times are equal. Raises ValueError with the
    file, the line and what is expected there.
    """
    clicks: dict[str, list[tuple[float, str]]] = {}
    for place, (session_id, item_id, time) in _rows(path, CLICK_COLUMNS, "\t"):
        if not session_id or not item_id:
            raise ValueError(f"{place}: write a session id and an item id, neither may be empty")
        clicks.setdefault(session_id, []).append((_epoch_seconds(time, place), item_id))
    return [_session(session_id, found) for session_id, found in clicks.items()]


def read_positions(path: Path) -> set[tuple[str, int]]:
    """Read a file with the header SessionId;Position: one position to evaluate per row, counted from 1.

    Raises ValueError with the file, the line and what is expected there.
    """
    positions = set()
    for place, (session_id, position) in _rows(path, POSITION_COLUMNS, ";"):
        if not position.isascii() or not position.isdigit() or int(position) < 1:
            raise ValueError(f"{place}: {position!r} is no position: write a whole number from 1")
        positions.add((session_id, int(position)))
    return positions


def _rows(path: Path, columns: tuple[str, ...], separator: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the place (file and line) and the fields of each row below the header."""
    expected = separator.join(columns).replace("\t", "<tab>")
    with path.open(encoding="utf-8", newline=None) as file:
        header = file.readline().rstrip("\n")
        if tuple(header.split(separator)) != columns:
            raise ValueError(f"{path}, line 1: write the header {expected}, not {header!r}")
        for number, line in enumerate(file, 2):
            if not line.strip():
                continue
            fields = line.rstrip("\n").split(separator)
            if len(fields) != len(columns):
                raise ValueError(
                    f"{path}, line {number}: write {len(columns)} fields, {expected}, not {len(fields)}"
                )
            yield f"{path}, line {number}", fields


def _epoch_seconds(text: str, place: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError(f"{place}: {text!r} is no time: write seconds since 1970, such as 1396437466.94")
    return seconds


def _session(session_id: str, clicks: list[tuple[float, str]]) -> ClickedSession:
    clicks.sort(key=lambda click: click[0])
    return ClickedSession(session_id, tuple(item for _, item in clicks), tuple(time for time, _ in clicks))
