"""An anonymous history joined to its user, exactly once, wherever the two rows lie.

A link is noted in the user's row and sent to the partition of the anonymous row. That row gives all it
has to the user's partition and stays as a pointer, so that what still comes for it is sent after it. The
pointer is stored, with what it gives, before that is sent: after a crash the row might hold more by then,
and of two histories only one would be taken. The user's row answers, so that the pointer can be emptied.
What one row sends comes in the order of its causes, so a repeat is known by the position of its cause.

The functions here return what is to be sent and kept; whoever calls them writes it (see `step`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from stream_app.core.arrival import Arrival
from stream_app.core.identity_messages import (
    MAX_HOPS,
    Forget,
    Forwarded,
    History,
    Link,
    Message,
    Received,
    Sent,
    decode_message,
    encode_message,
    is_known,
)
from stream_app.core.merging import merge_rows
from stream_app.core.partition import Partition
from stream_app.features.user_row import Place, UserRow, decode_row, encode_row
from stream_app.intake.ports import Privacy
from stream_app.intake.wire import AliasCall, Event, IdentifyCall
from stream_app.schemas.envelopes import Cause
from stream_app.settings.rules import Rules

LINKING_EVENTS = frozenset({IdentifyCall.type, AliasCall.type})
MAX_LINKED = 32


class Answer(NamedTuple):
    """What a message leads to: the row as it is to be kept, and messages before and after it is written."""

    row: UserRow
    sent: Sequence[Sent] = ()
    sent_after_rows: Sequence[Sent] = ()


def link(
    row: UserRow, arrival: Arrival, partition: Partition, privacy: Privacy, rules: Rules
) -> Sequence[Sent]:
    """Note the other ids that an event says are this user's; the messages for their partitions."""
    event = arrival.timed.event
    if event.type not in LINKING_EVENTS or arrival.forwarded is not None:
        return ()
    user_key, at = arrival.timed.user_key, arrival.timed.at
    sent: list[Sent] = []
    for user_id in _other_ids(event):
        key = privacy.user_key(user_id)
        known = row.linked.get(key)
        is_told = known is not None and at - known.at < rules.row_validity / 2
        if is_told or key in {user_key, row.merged_into}:
            continue
        place = partition.place_of(user_id)
        row.linked[key] = Place(place, at)
        while len(row.linked) > MAX_LINKED:
            del row.linked[next(iter(row.linked))]
        position = _position(arrival.cause)
        sent.append(
            Sent(place, Link(key=key, sender=user_key, to_partition=partition.number, at=at, **position))
        )
    return sent


def forward(row: UserRow, arrival: Arrival, privacy: Privacy) -> Sent:
    """The message that sends an event after the row that it was for."""
    record, forwarded = arrival.record, arrival.forwarded
    message = Forwarded(
        key=row.merged_into,
        sender=arrival.timed.user_key,
        value=privacy.scrub_bytes(record.value or b""),
        received_at=record.received_at,
        hops=(forwarded.hops if forwarded is not None else 0) + 1,
        **_position(arrival.cause),
    )
    return Sent(row.merged_partition, message)


def answer(
    message: Link | History | Received, row: UserRow | None, cause: Cause, erased_until: float, rules: Rules
) -> Answer | None:
    """What the row does that another asks something of; None where nothing changes.

    Nothing does where the row was erased (`erased_until`, epoch seconds) since it was asked.
    """
    if isinstance(message, Received):
        return None if row is None else _answer_received(row, cause)
    if message.at <= erased_until or (row is not None and is_known(row, message)):
        return None
    if isinstance(message, Link):
        return _answer_link(message, row, cause, erased_until)
    return _answer_history(message, row, cause, erased_until, rules)


def give_again(rows: Iterable[UserRow | None]) -> list[Sent]:
    """The histories that may not have been sent before the last stop."""
    return [
        Sent(row.merged_partition, decode_message(row.outgoing))
        for row in rows
        if row is not None and row.outgoing
    ]


def forget(user_key: str, row: UserRow, until: float, cause: Cause) -> list[Sent]:
    """The messages that have the rows erased too that belong to an erased one."""
    places = {key: place.partition for key, place in row.linked.items()}
    if row.merged_into:
        places[row.merged_into] = row.merged_partition
    return [
        Sent(partition, Forget(key=key, sender=user_key, until=until, **_position(cause)))
        for key, partition in places.items()
    ]


def _answer_link(link: Link, row: UserRow | None, cause: Cause, erased_until: float) -> Answer:
    """Give the row away, unless it was given before; the first user to claim it has it."""
    given: list[Sent] = []
    if row is not None and (row.merged_into or (link.sender in row.linked and link.key < link.sender)):
        pointer = row  # of two that claim each other the lesser key is the user
    else:
        pointer = UserRow(
            seen_at=link.at,
            erased_until=erased_until,
            merged_into=link.sender,
            merged_partition=link.to_partition,
        )
        if row is not None:
            history = History(
                key=link.sender,
                sender=link.key,
                sender_partition=cause.partition,
                from_key=link.key,
                from_partition=cause.partition,
                at=link.at,
                row=encode_row(row),
                **_position(cause),
            )
            pointer.outgoing = encode_message(history)
            given.append(Sent(link.to_partition, history))
            pointer.applied, pointer.heard = row.applied, row.heard
            pointer.seen_at = max(row.seen_at, link.at)
    _note(pointer, link, cause)
    return Answer(pointer, sent_after_rows=given)


def _answer_history(
    history: History, row: UserRow | None, cause: Cause, erased_until: float, rules: Rules
) -> Answer:
    """Make a history part of its user's row, or send it after that."""
    if row is None:
        row = UserRow(seen_at=history.at, erased_until=erased_until)
    _note(row, history, cause)
    received = Received(key=history.sender, sender=history.key, **_position(cause))
    sent = [Sent(history.sender_partition, received)]
    if row.merged_into and history.hops >= MAX_HOPS:
        row.merged_into = ""  # rows that point to each other in a circle: here it ends
    if row.merged_into:
        onward = {"key": row.merged_into, "sender": history.key, "hops": history.hops + 1}
        passed_on = msgspec.structs.replace(history, **_position(cause), **onward)
        sent.append(Sent(row.merged_partition, passed_on))
    else:
        merge_rows(row, decode_row(history.row), cause, rules)
        row.linked[history.from_key] = Place(history.from_partition, history.at)
    return Answer(row, sent)


def _answer_received(row: UserRow, cause: Cause) -> Answer:
    """Keep no longer what was given."""
    row.outgoing = b""
    row.applied[cause.topic] = cause.offset
    return Answer(row)


def _note(row: UserRow, message: Message, cause: Cause) -> None:
    row.heard[message.source] = message.offset
    row.applied[cause.topic] = cause.offset


def _other_ids(event: Event) -> list[str]:
    match event:
        case IdentifyCall() if event.user_id and event.anonymous_id:
            return [event.anonymous_id]
        case AliasCall():
            return [event.previous_id]
    return []


def _position(cause: Cause) -> dict[str, Any]:
    return {"topic": cause.topic, "offset": cause.offset}
