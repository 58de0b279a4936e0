"""When a feature changes because time passes: the moment at which a condition on it is asked again.

Exact are windows (a tile leaves them), open sessions (they end) and times since something (they reach a
bound). What decays or counts days on a calendar is asked at the user's events alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from stream_app.definitions.conditions import Condition
from stream_app.definitions.file import Definitions
from stream_app.features.declared import tiles, visits
from stream_app.features.declared.engine import Kept, engine_of
from stream_app.features.user_row import UserRow
from stream_app.features.windows import WINDOWS
from stream_app.settings.rules import DAY, HOUR

LATEST_STEP = 0.001  # behind a bound, so that `above` has been reached
_DAYS = ("recency_days", "tenure_days")
_HOURS = "hours_since_funnel_step"
_SINCE = "days_since_"


def next_aging(
    asked: Iterable[Condition], row: UserRow, at: float, values: Mapping[str, float | str], of: Definitions
) -> float:
    """The time after `at` at which an answer may change without an event; infinite for never.

    `values` are the features at `at`, by name.
    """
    declared = {kept.series.name: kept for kept in engine_of(of).kept}
    return min(
        (
            _next_of(condition, row, at, values.get(condition.feature), declared.get(condition.feature), of)
            for condition in asked
            if condition.feature is not None
        ),
        default=inf,
    )


def _next_of(
    condition: Condition,
    row: UserRow,
    at: float,
    value: float | str | None,
    kept: Kept | None,
    of: Definitions,
) -> float:
    name = condition.feature or ""
    if kept is not None and row.declared is not None:
        return _declared_change(condition, row, at, value, kept, of)
    if name.startswith(_SINCE) or name in _DAYS:
        return _reached(condition, at, value, DAY)
    if name == _HOURS:
        return _reached(condition, at, value, HOUR)
    for level, window in enumerate(WINDOWS):
        if name.endswith(f"_{window.name}"):
            last = int(at // window.hop)
            held = [index for index in row.tiles[level] if last - window.tile_count <= index <= last]
            return (min(held) + window.tile_count + 1) * window.hop if held else inf
    return inf


def _declared_change(
    condition: Condition, row: UserRow, at: float, value: float | str | None, kept: Kept, of: Definitions
) -> float:
    state = engine_of(of).follow(row.declared, row.seen_at)
    place = engine_of(of).kept.index(kept)
    if kept.series.tiling is not None:
        return tiles.next_change(state.tiles.get(place), kept.series.tiling, at) or inf
    if kept.series.window == "session":
        visit = visits.open_at(state.visits, at, of.session_gap)
        return visit.last_at + of.session_gap + LATEST_STEP if visit is not None else inf
    return _reached(condition, at, value, DAY) if kept.feature.aggregate == "time_since" else inf


def _reached(condition: Condition, at: float, value: float | str | None, unit: float) -> float:
    """When a time since something, in units of so many seconds, reaches the condition's next bound."""
    if not isinstance(value, int | float):
        return inf
    steps = [(bound - value) * unit + LATEST_STEP for bound in condition.bounds if bound >= value]
    return at + min((step for step in steps if step > 0), default=inf)
