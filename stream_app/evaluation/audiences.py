"""Who would be in audiences, from events of the past: before they are declared to workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from stream_app.evaluation.examples import replay_history
from stream_app.features.user_row import UserRow
from stream_app.schemas.outputs import AudienceChange
from stream_app.settings.rules import DAY, Rules

WEEK = 7 * DAY


class Preview(NamedTuple):
    """An audience over some events: members at the end, and how many entered and left, by week's Monday."""

    name: str
    members: int
    entered: dict[str, int]
    left: dict[str, int]


def preview_audiences(events: Iterable[bytes], rules: Rules) -> tuple[int, list[Preview]]:
    """How many users the events are of, and what the audiences would have been.

    Every row stays in memory.
    """
    rows: dict[str, UserRow] = {}
    changes: dict[str, AudienceChange] = {}
    for result in replay_history(events, rows, rules):
        for output in result.outputs:
            if not isinstance(output, AudienceChange):
                continue
            if output.change == "corrected":
                changes.pop(output.change_id, None)
            else:
                changes[output.change_id] = output
    previews = []
    for audience in rules.definitions.audiences:
        own = [change for change in changes.values() if change.audience == audience.name]
        entered = Counter(_week_of(change.as_of) for change in own if change.change == "entered")
        left = Counter(_week_of(change.as_of) for change in own if change.change == "left")
        members = entered.total() - left.total()
        previews.append(Preview(audience.name, members, dict(entered), dict(left)))
    return len(rows), previews


def _week_of(at: datetime) -> str:
    day = at.astimezone(UTC).date()
    return datetime.fromordinal(day.toordinal() - day.weekday()).date().isoformat()
