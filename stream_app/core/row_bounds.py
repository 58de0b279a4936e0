"""What senders can make a row hold: open sessions, other ids, rows heard from. There is room for so many.

Without bounds, the row of an id that stands for everybody would grow until no topic takes it.
"""

from __future__ import annotations

from stream_app.core.session_ends import close
from stream_app.core.workspace import Workspace
from stream_app.features import sessions
from stream_app.features.user_row import REFUSED, OpenSession, UserRow

MAX_LINKED = 32
MAX_HEARD = 2 * MAX_LINKED  # of each other id: what it gave, and what it passes on
# What was left out; a metric's label.
SESSIONS, LINKED, HEARD = "open_sessions", "linked", "heard"


def close_excess(
    workspace: Workspace, user_key: str, row: UserRow, current: OpenSession | None = None
) -> None:
    """Close the open sessions that a row has no room for, but not `current`, that of the event at hand."""
    excess = sessions.pop_excess(row, current)
    if excess:
        workspace.count_bounded(SESSIONS, len(excess))
        close(workspace, user_key, row, excess)


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
