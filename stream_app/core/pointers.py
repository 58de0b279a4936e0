"""Pointers, rows that were given to another: shortened, reclaimed, or ended if they form a circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stream_app.core.arrival import Arrival
from stream_app.core.identity_messages import Link, Moved, Sent
from stream_app.features.user_row import Place, UserRow
from stream_app.intake.wire import AliasCall
from stream_app.schemas.envelopes import Cause


def identifies(arrival: Arrival) -> bool:
    """Whether an event identifies its row as a known user; an alias may name a visitor."""
    event = arrival.timed.event
    if arrival.forwarded is not None:
        return arrival.forwarded.is_identified
    return bool(event.user_id) and type(event) is not AliasCall


def reclaim_if_identified(row: UserRow, arrival: Arrival) -> Sequence[Sent]:
    """Reclaim a visitor's id that was given away, for the user who is known by it now.

    The visitor's history stays with whoever claimed it. The former owner is asked how the two now relate: it
    belongs to this row if it was never identified itself.
    """
    timed = arrival.timed
    if row.is_identified or not identifies(arrival):
        return ()
    return reclaim(row, timed.user_key, timed.at, arrival.cause)


def reclaim(row: UserRow, user_key: str, at: float, cause: Cause) -> list[Sent]:
    """Turn a pointer into an independent row again, and ask the former owner how the two relate."""
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
        is_identified=not outright,  # if explicitly declared to belong there, it still does if both are known
        may_merge=outright,
        **position_of(cause),
    )
    return [Sent(place, claim)]


def shorten(arrival: Arrival) -> Sequence[Sent]:
    """Make the row that first forwarded an event forward the next one directly."""
    forwarded = arrival.forwarded
    if forwarded is None or forwarded.origin < 0 or len(forwarded.visited) < 2:
        return ()
    first, former = forwarded.visited[:2]
    return [Sent(forwarded.origin, moved_on(first, former, forwarded.key, arrival.cause))]


def ends_circle(user_key: str, visited: Sequence[str]) -> bool:
    """Whether a circle of pointers ends at this row, which is the one with the smallest key."""
    return user_key in visited and user_key == min(visited[visited.index(user_key) :])


def moved_on(key: str, former: str, owner: str, cause: Cause) -> Moved:
    """Tell the row `key` that what it passes on to `former` goes to `owner`."""
    return Moved(key=key, sender=owner, former=former, to_partition=cause.partition, **position_of(cause))


def position_of(cause: Cause) -> dict[str, Any]:
    """The fields of a message by which its receiver recognises a repeat."""
    return {"topic": cause.topic, "offset": cause.offset}
