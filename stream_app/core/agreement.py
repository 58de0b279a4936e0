"""A user's consent to analytics, as stated in events; withdrawing it erases everything else in the row."""

from __future__ import annotations

from stream_app.core.arrival import Arrival
from stream_app.core.audiences import tell_leaving
from stream_app.core.workspace import Workspace
from stream_app.features.user_row import UserRow, without_history
from stream_app.intake import consent

WITHDRAWN = "no longer agrees to analytics"


def ask_consent(workspace: Workspace, row: UserRow, arrival: Arrival) -> bool:
    """Note the user's consent from the event; return whether the event may be used."""
    timed, default = arrival.timed, workspace.rules.default_consent
    context = timed.event.context
    own = row.consent
    preferences = consent.preferences_in(context) if context is not None else None
    if preferences:
        own = consent.update_consent(row.consent, preferences, default)
        # A forwarded event may arrive after a newer statement.
        if timed.at >= row.consent_at:
            row.consent, row.consent_at = own, timed.at
    agreed = consent.is_agreed(own, consent.ANALYTICS, default)
    if agreed and (own == row.consent or consent.is_agreed(row.consent, consent.ANALYTICS, default)):
        workspace.count(timed.event.type, "processed")
        return True
    workspace.count(timed.event.type, "without_consent")
    if row.kinds:  # agreed before and withdrawn now
        tell_leaving(workspace, timed.user_key, row, arrival.cause, WITHDRAWN)
        workspace.put_row(timed.user_key, without_history(row))
    return False
