"""All scores that a batch asked for, in one call of each model."""

from __future__ import annotations

from stream_app.core.outlooks import foresee
from stream_app.core.tiers import decide_tiers
from stream_app.core.workspace import Workspace


def score_batch(workspace: Workspace) -> None:
    """Decide tiers and foresee outcomes for all rows of the batch that wait for it."""
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
