"""The rules by which the core decides; every number that a setting can change."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class Rules:
    """Spans are in seconds of event time, sizes in bytes."""

    session_gap: float = 30 * MINUTE
    session_limit: float = 24 * HOUR
    allowed_lateness: float = HOUR
    allowed_skew: float = 5 * MINUTE
    earliest_time: float = 946_684_800.0  # 2000-01-01: older clocks were never set
    max_event_bytes: int = 262_144
    tier_interval: float = MINUTE
    recommend_interval: float = 30.0
    recommend_count: int = 10
    recommend_validity: float = DAY
