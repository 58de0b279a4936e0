"""How many other ids, and rows that it heard from, a row keeps: senders could add to both without end."""

from __future__ import annotations

from stream_app.core.workspace import Workspace
from stream_app.features.user_row import REFUSED, UserRow

MAX_LINKED = 32
MAX_HEARD = 2 * MAX_LINKED  # of each other id: what it gave, and what it passes on
# What was forgotten; a metric's label.
LINKED, HEARD = "linked", "heard"


def bound_links(workspace: Workspace, row: UserRow) -> None:
    """Forget the other ids that a row has no room for, and the rows that it heard from the longest ago."""
    if len(row.linked) > MAX_LINKED:
        workspace.count_bounded(LINKED, len(row.linked) - MAX_LINKED)
        _bound_linked(row)
    if len(row.heard) > MAX_HEARD:
        forgotten = list(row.heard)[:-MAX_HEARD]
        workspace.count_bounded(HEARD, len(forgotten))
        for source in forgotten:
            del row.heard[source]


def _bound_linked(row: UserRow) -> None:
    """Keep the newest ids, those that were claimed in vain the shortest."""
    while len(row.linked) > MAX_LINKED:
        vain = (key for key, place in row.linked.items() if place.claim == REFUSED)
        del row.linked[next(vain, next(iter(row.linked)))]
