"""Which types come up for a user: what triggers each, read from what is known of the user's own acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, assert_never

from stream_app.planning.campaigns import (
    AbsenceTrigger,
    EnteredTrigger,
    EventTrigger,
    NotificationType,
    ScheduleTrigger,
)
from stream_app.planning.segments import Segment


class Acts(NamedTuple):
    """When a user last did each thing and last came (epoch seconds), and the segment now and before."""

    last_by_event: Mapping[str, float]
    last_at: float
    segment: Segment
    segment_before: Segment | None


def is_triggered(kind: NotificationType, acts: Acts, local: datetime) -> bool:
    """Whether the type has come up by a moment, given on the user's own clock, and is still worth sending."""
    now = local.timestamp()
    match kind.trigger:
        case ScheduleTrigger(weekdays=weekdays):
            return local.isoweekday() in weekdays
        case AbsenceTrigger(after=after):
            return _is_fresh(acts.last_at + after, now, kind)
        case EnteredTrigger(segments=segments):
            return acts.segment != acts.segment_before and acts.segment in segments
        case EventTrigger(event=event, after=after, unless=unless):
            at = acts.last_by_event.get(event)
            if at is None or not _is_fresh(at + after, now, kind):
                return False
            return all(acts.last_by_event.get(other, -1.0) < at for other in unless)
        case _:
            assert_never(kind.trigger)


def _is_fresh(came_up_at: float, now: float, kind: NotificationType) -> bool:
    return came_up_at <= now < came_up_at + kind.valid_for
