"""Rows given to another, which point to it: passed on directly, taken back, ended where they are a circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stream_app.core.arrival import Arrival
from stream_app.core.identity_messages import Link, Moved, Sent
from stream_app.features.user_row import Place, UserRow
from stream_app.intake.wire import AliasCall
from stream_app.schemas.envelopes import Cause


def identifies(arrival: Arrival) -> bool:
    """Whether an event says that its row is of somebody known; an alias may name a visitor."""
    event = arrival.timed.event
    if arrival.forwarded is not None:
        return arrival.forwarded.is_identified
    return bool(event.user_id) and type(event) is not AliasCall


def reclaim_if_identified(row: UserRow, arrival: Arrival) -> Sequence[Sent]:
    """Reclaim a visitor's id that was given away, for the user who is known by it now.

    What the visitor did stays with whoever claimed it. The former owner is asked what the two are to each
    other now: it belongs to this row if it was never identified itself.
    """
    timed = arrival.timed
    if row.is_identified or not identifies(arrival):
        return ()
    return reclaim(row, timed.user_key, timed.at, arrival.cause)


def reclaim(row: UserRow, user_key: str, at: float, cause: Cause) -> list[Sent]:
    """Make a pointer a row of its own again, and ask the former owner what the two are to each other."""
    row.is_identified = True
    owner, place = row.merged_into, row.merged_partition
    row.merged_into = ""
    row.linked[owner] = Place(place, at)
    outright, row.merged_outright = row.merged_outright, False
    claim = Link(
        key=owner,
        sender=user_key,
        to_partition=cause.partition,
        at=at,
        is_identified=not outright,  # said outright to be that one's, it remains so if both are known
        may_merge=outright,
        **position_of(cause),
    )
    return [Sent(place, claim)]


def shorten(arrival: Arrival) -> Sequence[Sent]:
    """Have the row that first passed an event on pass the next on directly."""
    forwarded = arrival.forwarded
    if forwarded is None or forwarded.origin < 0 or len(forwarded.visited) < 2:
        return ()
    first, former = forwarded.visited[:2]
    return [Sent(forwarded.origin, moved_on(first, former, forwarded.key, arrival.cause))]


def ends_circle(user_key: str, visited: Sequence[str]) -> bool:
    """Whether rows that point to each other in a circle end at this one: that with the least key."""
    return user_key in visited and user_key == min(visited[visited.index(user_key) :])


def moved_on(key: str, former: str, owner: str, cause: Cause) -> Moved:
    """Tell the row `key` that what it passes on to `former` goes to `owner`."""
    return Moved(key=key, sender=owner, former=former, to_partition=cause.partition, **position_of(cause))


def position_of(cause: Cause) -> dict[str, Any]:
    """The fields of a message by which its receiver knows a repeat."""
    return {"topic": cause.topic, "offset": cause.offset}
