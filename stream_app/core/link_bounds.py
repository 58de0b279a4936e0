"""Bounds on a row's other ids and message senders, which senders could otherwise grow without limit."""

from __future__ import annotations

from stream_app.core.workspace import Workspace
from stream_app.features.user_row import REFUSED, UserRow

MAX_LINKED = 32
MAX_HEARD = 2 * MAX_LINKED  # per other id: its history and its forwarded events
# What was forgotten; used as a metric's label.
LINKED, HEARD = "linked", "heard"


def bound_links(workspace: Workspace, row: UserRow) -> None:
    """Forget other ids that a row has no room for, and the rows whose last message is the oldest."""
    if len(row.linked) > MAX_LINKED:
        workspace.count_bounded(LINKED, len(row.linked) - MAX_LINKED)
        _bound_linked(row)
    if len(row.heard) > MAX_HEARD:
        forgotten = list(row.heard)[:-MAX_HEARD]
        workspace.count_bounded(HEARD, len(forgotten))
        for source in forgotten:
            del row.heard[source]


def _bound_linked(row: UserRow) -> None:
    """Keep the newest ids, and forget refused claims first."""
    while len(row.linked) > MAX_LINKED:
        vain = (key for key, place in row.linked.items() if place.claim == REFUSED)
        del row.linked[next(vain, next(iter(row.linked)))]
