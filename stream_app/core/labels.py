"""Labels sent by a company: each becomes a training example, unless it contains personal data."""

from __future__ import annotations

from stream_app.core import outputs
from stream_app.core.arrival import Arrival
from stream_app.core.workspace import Workspace
from stream_app.features.reading import Features, read_features
from stream_app.features.user_row import UserRow
from stream_app.intake import consent
from stream_app.intake.personal_text import is_personal, without_personal
from stream_app.intake.ports import Privacy
from stream_app.intake.wire import LabelCall


def learn_from_given(workspace: Workspace, arrival: Arrival, label: LabelCall, privacy: Privacy) -> None:
    """Learn from a label that carries its features: it needs no row and changes none."""
    timed = arrival.timed
    if timed.at <= workspace.partition.erasures.bars(timed, privacy):
        workspace.count(label.type, "erased")
        return
    row, cause = workspace.row(timed.user_key), arrival.cause
    if row is not None and cause.offset <= row.applied.get(cause.topic, -1):
        # The row is stored, so the example was sent before; the row's consent may come from a later event.
        workspace.count(label.type, "already_applied")
        return
    default = workspace.rules.default_consent
    if row is not None and not consent.is_agreed(row.consent, consent.ANALYTICS, default):
        workspace.count(label.type, "without_consent")
        return
    workspace.count(label.type, "processed")
    _emit_example(workspace, arrival, label, without_personal(label.properties.features or {}))


def learn_from_row(workspace: Workspace, row: UserRow, arrival: Arrival, label: LabelCall) -> None:
    """Learn from a label with the current features of its user's row."""
    if not row.is_bot:
        features = read_features(
            row, arrival.timed.at, workspace.rules.loyal_uses, definitions=workspace.rules.definitions
        )
        _emit_example(workspace, arrival, label, features)


def _emit_example(workspace: Workspace, arrival: Arrival, label: LabelCall, features: Features) -> None:
    target, value = label.properties.target, label.properties.value
    if is_personal(target) or (isinstance(value, str) and is_personal(value)):
        return
    timed = arrival.timed
    workspace.emit(
        outputs.build_example(timed.user_key, target, value, features, arrival.cause, timed.at, workspace.now)
    )
