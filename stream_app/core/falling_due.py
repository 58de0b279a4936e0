"""What happens as event time advances: sessions end, labels and outcomes become known, rows expire."""

from __future__ import annotations

from stream_app.core import outputs
from stream_app.core.audiences import tell_due
from stream_app.core.removals import remove_expired
from stream_app.core.session_ends import close_due
from stream_app.core.workspace import Workspace
from stream_app.features import content
from stream_app.features.user_row import UserRow
from stream_app.intake import consent
from stream_app.learning import moments
from stream_app.settings.rules import Rules


def settle(workspace: Workspace) -> None:
    """Do everything due at the watermark."""
    close_due(workspace, workspace.partition.watermark)
    _send_labels(workspace)
    _send_item_outcomes(workspace)
    tell_due(workspace, workspace.partition.watermark, ahead=False)
    remove_expired(workspace)


def _send_labels(workspace: Workspace) -> None:
    """Send the labels that are due, and note new moments to be labelled later."""
    partition, rules = workspace.partition, workspace.rules
    watermark = partition.watermark
    for user_key in sorted(partition.outlooks.pop_due(watermark)):
        row = workspace.row(user_key)
        if row is None:
            continue
        cause = partition.newest_cause(row)
        for outcome in moments.pop_due(row, watermark, rules):
            if _is_learned_from(row, rules):
                workspace.emit(outputs.build_outcome_example(user_key, outcome, rules, cause, workspace.now))
        # The row contains events up to the highest time, so that is the moment.
        moments.note_moment(row, partition.meta.highest_at, rules)
        workspace.put_row(user_key, row)
        partition.schedule(user_key, row)


def _send_item_outcomes(workspace: Workspace) -> None:
    """Send the outcomes of started items whose horizon has passed."""
    partition, rules = workspace.partition, workspace.rules
    watermark = partition.watermark
    for user_key in sorted(partition.item_starts.pop_due(watermark)):
        row = workspace.row(user_key)
        if row is None:
            continue
        outcomes = content.pop_due(row, watermark, rules)
        if outcomes and _is_learned_from(row, rules):
            cause = partition.newest_cause(row)
            workspace.emit(outputs.build_item_outcomes(user_key, outcomes, rules, cause, workspace.now))
        workspace.put_row(user_key, row)
        partition.schedule_starts(user_key, row)


def _is_learned_from(row: UserRow, rules: Rules) -> bool:
    return not row.is_bot and consent.is_agreed(row.consent, consent.ANALYTICS, rules.default_consent)
