"""What event time brings to light of users: labels of earlier moments, outcomes of items they started."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stream_app.core import outputs
from stream_app.core.partition import Partition
from stream_app.core.step_result import StepResult
from stream_app.features import content
from stream_app.features.user_row import UserRow
from stream_app.intake import consent
from stream_app.intake.identifiers import Cause
from stream_app.learning import moments
from stream_app.settings.rules import Rules

RowOf = Callable[[str], UserRow | None]


def send_labels(partition: Partition, row_of: RowOf, rules: Rules, result: StepResult, now: datetime) -> None:
    """Send the labels that fell due, and note the moments of which the days to come will tell."""
    watermark = partition.watermark
    for user_key in sorted(partition.outlooks.take_due(watermark)):
        row = row_of(user_key)
        if row is None:
            continue
        cause = _newest_cause(partition, row)
        for outcome in moments.take_due(row, watermark, rules):
            if _is_learned_from(row, rules):
                result.outputs.append(outputs.build_outcome_example(user_key, outcome, rules, cause, now))
        # The row holds what came up to the highest time, so that is the moment.
        moments.note_moment(row, partition.meta.highest_at, rules)
        result.rows[user_key] = row
        partition.schedule(user_key, row)


def send_item_outcomes(
    partition: Partition, row_of: RowOf, rules: Rules, result: StepResult, now: datetime
) -> None:
    """Send what became of items that users started, as far as their horizon has passed."""
    watermark = partition.watermark
    for user_key in sorted(partition.item_starts.take_due(watermark)):
        row = row_of(user_key)
        if row is None:
            continue
        outcomes = content.take_due(row, watermark, rules)
        if outcomes and _is_learned_from(row, rules):
            cause = _newest_cause(partition, row)
            result.outputs.append(outputs.build_item_outcomes(user_key, outcomes, rules, cause, now))
        result.rows[user_key] = row
        partition.schedule_starts(user_key, row)


def _newest_cause(partition: Partition, row: UserRow) -> Cause:
    topic, offset = max(row.applied.items(), key=lambda applied: (applied[1], applied[0]))
    return Cause(topic, partition.number, offset)


def _is_learned_from(row: UserRow, rules: Rules) -> bool:
    return not row.is_bot and consent.is_agreed(row.consent, consent.ANALYTICS, rules.default_consent)
