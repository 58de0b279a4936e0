"""What follows once an event has changed its row: a session's end, a score, a click, recommendations."""

from __future__ import annotations

from stream_app.core import audiences, outputs, recommending
from stream_app.core.application import Applied
from stream_app.core.arrival import Arrival
from stream_app.core.score_requests import EVENT
from stream_app.core.session_ends import close_excess, end_session
from stream_app.core.workspace import Workspace
from stream_app.features.user_row import OpenSession, UserRow
from stream_app.schemas.envelopes import Cause, output_id


def decide(workspace: Workspace, row: UserRow, arrival: Arrival, applied: Applied) -> None:
    """Make the decisions for the user of an event, from their row and what the event showed."""
    user_key, at, cause, rules = arrival.timed.user_key, arrival.timed.at, arrival.cause, workspace.rules
    session, item = applied.session, applied.item
    if session is not None:
        close_excess(workspace, user_key, row, session)
        workspace.partition.schedule_session(user_key, session)
    if applied.has_started:
        workspace.partition.schedule_start(user_key, at)
    if applied.finished is not None:
        end_session(workspace, user_key, row, applied.finished, cause, at)
    elif session is not None and row.scored_at + rules.tier_interval <= row.last_at:
        workspace.request_score(user_key, row, row.last_at, cause, EVENT)
    if rules.definitions.audiences:
        audiences.tell(workspace, user_key, row, ahead_until=None if arrival.record.is_history else at)
    if session is not None and item is not None:
        click = recommending.claim_click(row, session, item, at, rules)
        if click is not None:
            workspace.emit(outputs.build_click(user_key, click, cause, at, workspace.now))
        if recommending.is_due(row, session, rules):
            _recommend(workspace, user_key, row, session, cause)


def _recommend(workspace: Workspace, user_key: str, row: UserRow, session: OpenSession, cause: Cause) -> None:
    rules, recommender = workspace.rules, workspace.models.recommender
    request_id = output_id("recommendations", cause)
    session_items = [item for _, item in session.items]
    occasion = recommending.describe_occasion(user_key, row, session_items, row.last_at, request_id, rules)
    items = recommender.recommend(occasion, rules.recommend_count)
    row.recommended_at = row.last_at
    row.recommended_item = session_items[-1]
    if not items:
        return
    workspace.emit(
        outputs.build_recommendations(
            request_id, user_key, row, items, recommender.stamp(), cause, rules, workspace.now
        )
    )
    recommending.note_sent(row, request_id, items)
