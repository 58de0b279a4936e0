"""The rules by which the core decides, with every number that a setting can change."""

from __future__ import annotations

from dataclasses import dataclass

from stream_app.definitions.file import NONE, Definitions
from stream_app.settings.placeholder_ids import SHIPPED, PlaceholderIds

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LOYAL_USES = 3
# Segment's names for courses, videos and shops; an opened page is "page".
CONTENT_STARTS = (
    "Course Started",
    "Lesson Started",
    "Content Started",
    "Video Content Started",
    "Video Playback Started",
    "Product Viewed",
)
CONTENT_COMPLETIONS = (
    "Course Completed",
    "Lesson Completed",
    "Content Completed",
    "Video Content Completed",
    "Video Playback Completed",
    "Order Completed",
)


@dataclass(frozen=True)
class Rules:
    """Spans are in seconds of event time, sizes in bytes.

    `tracker_form` is the form of all records that are not in our own; "" means detection by shape.
    `default_consent` are the purposes, as bits, assumed for users who have not said. A row expires after
    `row_validity` without a use; a partition has at most `max_users` rows (0: no limit). `placeholder_ids`
    are sent instead of missing ids; `definitions` are what a company declares.
    """

    session_gap: float = 30 * MINUTE
    session_limit: float = 24 * HOUR
    allowed_lateness: float = HOUR
    allowed_skew: float = 5 * MINUTE
    earliest_time: float = 946_684_800.0  # 2000-01-01: older clocks were never set
    max_event_bytes: int = 262_144
    tracker_form: str = ""
    default_consent: int = 7
    row_validity: float = 390 * DAY
    loyal_uses: int = LOYAL_USES
    max_users: int = 0
    outlook_horizon: float = 7 * DAY
    outlook_interval: float = 3.5 * DAY
    content_starts: frozenset[str] = frozenset(CONTENT_STARTS)
    content_completions: frozenset[str] = frozenset(CONTENT_COMPLETIONS)
    content_horizon: float = 7 * DAY
    content_read_after: float = 10.0
    tier_interval: float = 5 * MINUTE
    tier_validity: float = 7 * DAY
    recommend_interval: float = 30.0
    recommend_count: int = 10
    recommend_validity: float = DAY
    placeholder_ids: PlaceholderIds = SHIPPED
    definitions: Definitions = NONE
