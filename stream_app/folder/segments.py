"""A data folder's users by the eleven segments of recency, frequency and money."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from stream_app.errors import StateError
from stream_app.features.loyalty import count_uses
from stream_app.planning.rfm import LEAST_USERS, Measures, RfmScale, measures_of
from stream_app.planning.segments import SEGMENTS, Segment, segment_of
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.rules import DAY


def describe_segments(store: Store) -> dict[str, Any]:
    """How many users are in each segment, with the means of what decides it.

    Recency is as of the newest event of the folder, in days; money is what all orders came to. Bots are left
    out.

    Raises:
        StateError: there are too few users for percentiles.
    """
    rows = [row for _, _, row in store.rows() if row.last_at and not row.merged_into and not row.is_bot]
    if len(rows) < LEAST_USERS:
        raise StateError(f"the folder holds {len(rows)} users: segments need {LEAST_USERS} or more")
    now = max(row.last_at for row in rows)
    measured = [measures_of(row.last_at, count_uses(row), row.orders.total, now) for row in rows]
    scale = RfmScale()
    for measures in measured:
        scale.learn(measures, now)
    found: dict[Segment, list[Measures]] = defaultdict(list)
    for measures in measured:
        found[segment_of(scale.score(measures))].append(measures)
    return {
        "users": len(rows),
        "segments": [_describe(segment, found[segment], len(rows)) for segment in SEGMENTS if found[segment]],
    }


def _describe(segment: Segment, members: list[Measures], users: int) -> dict[str, Any]:
    recency, uses, spent = (sum(values) / len(members) for values in zip(*members, strict=True))
    return {
        "name": segment.value,
        "users": len(members),
        "share": len(members) / users,
        "recency_days": -recency / DAY,
        "sessions": uses,
        "spent": spent,
    }
