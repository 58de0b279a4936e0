"""Whether an event may change its user's row: not if it was applied, erased, or seen before."""

from __future__ import annotations

from stream_app.core.arrival import Arrival
from stream_app.core.identity_messages import is_known, note_heard
from stream_app.core.pointers import ends_circle, reclaim_if_identified, shorten
from stream_app.core.removals import make_room
from stream_app.core.workspace import Workspace
from stream_app.features import repeats
from stream_app.features.user_row import UserRow
from stream_app.intake.identifiers import event_fingerprint, order_fingerprint
from stream_app.intake.ports import Privacy


def admit(workspace: Workspace, arrival: Arrival, privacy: Privacy) -> UserRow | None:
    """The row for the event, with the event's position noted; None if the event changes nothing.

    A row that was merged into another (`merged_into`) only notes the position.
    """
    timed, cause, forwarded = arrival.timed, arrival.cause, arrival.forwarded
    user_key, event_type = timed.user_key, timed.event.type
    row = workspace.row(user_key)
    is_new = row is None
    if row is None:
        row = UserRow(erased_until=workspace.partition.erasures.bars(timed, privacy))
    elif cause.offset <= row.applied.get(cause.topic, -1) or (forwarded and is_known(row, forwarded)):
        workspace.count(event_type, "already_applied")
        return None
    if timed.at <= row.erased_until:
        workspace.count(event_type, "erased")
        return None
    row.applied[cause.topic] = cause.offset
    if forwarded is not None:
        note_heard(row, forwarded)
    row.seen_at = max(row.seen_at, timed.at)
    if is_new:
        workspace.begin_row(user_key, row)
        make_room(workspace)
    else:
        workspace.put_row(user_key, row)
    if row.merged_into:
        workspace.send(reclaim_if_identified(row, arrival))
    if row.merged_into:
        if forwarded is None or not ends_circle(user_key, forwarded.visited):
            return row
        row.merged_into = ""
    if forwarded is not None:
        workspace.send(shorten(arrival))
    return _unless_repeated(workspace, row, arrival)


def _unless_repeated(workspace: Workspace, row: UserRow, arrival: Arrival) -> UserRow | None:
    timed = arrival.timed
    fingerprint, order = event_fingerprint(timed.event), order_fingerprint(timed.event)
    if repeats.is_known(row, fingerprint, order):
        workspace.count(timed.event.type, "repeated")
        return None
    if order is not None:
        repeats.remember_order(row, order)
    if repeats.remember(row, fingerprint, timed.at, workspace.partition.watermark):
        workspace.count_forgotten_id()
    return row
