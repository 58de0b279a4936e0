"""Computes all scores requested in a batch, in one call per model."""

from __future__ import annotations

from stream_app.core.outlooks import foresee
from stream_app.core.tiers import decide_tiers
from stream_app.core.workspace import Workspace


def score_batch(workspace: Workspace) -> None:
    """Decide tiers and predict outcomes for all waiting rows of the batch."""
    requests, models, rules, now = (
        workspace.score_requests,
        workspace.models,
        workspace.rules,
        workspace.now,
    )
    for tier in decide_tiers(requests, models.tiers, rules, now):
        workspace.emit(tier)
    for outlook in foresee(requests, models.outcomes, rules, now):
        workspace.emit(outlook)
