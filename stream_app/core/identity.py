"""Merges an anonymous history into its user exactly once, whichever partitions the two rows are in.

The user's row records a link and sends it to the partition of the other row, which decides. An id belongs to
the first user who claims it. A row that was ever identified gives itself up only to one that a trusted source
explicitly declared to be the same, and merges one that was not identified. A row that gives itself up sends
its whole content to the owner's partition and stays behind as a pointer, so that later events for it can be
forwarded. The pointer is stored together with that content before it is sent; otherwise, after a crash, the
row might hold more, and only one of two different histories would be merged. The owner's row acknowledges the
history, and the pointer then drops it. Messages from one row arrive in the order of their causes, so a repeat
is recognised by its cause's position.

The functions here return what to send and to keep; the caller writes it (see `step`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from stream_app.core.arrival import Arrival
from stream_app.core.identity_messages import (
    Decided,
    Forget,
    Forwarded,
    History,
    Link,
    Message,
    Moved,
    Received,
    Sent,
    decode_message,
    encode_message,
    is_known,
    note_heard,
)
from stream_app.core.merging import merge_rows
from stream_app.core.partition import Partition
from stream_app.core.pointers import ends_circle, identifies, moved_on, position_of, reclaim
from stream_app.features.user_row import (
    CLAIMED,
    OWNED,
    REFUSED,
    Place,
    UserRow,
    decode_row,
    encode_row,
    owned_ids,
)
from stream_app.intake.ports import Privacy
from stream_app.intake.wire import AliasCall, Event, IdentifyCall
from stream_app.schemas.envelopes import Cause
from stream_app.settings.rules import DAY, Rules

LINKING_EVENTS = frozenset({IdentifyCall.type, AliasCall.type})
MAX_PASSED_ON = 64
CLAIM_AGAIN_AFTER = DAY
# Why a claim was refused; used as a metric's label.
TAKEN, IDENTIFIED = "taken", "identified"


class Answer(NamedTuple):
    """The result of a message: the row to store, and messages to send before and after it is written.

    `refused` says why a claim was, or is empty.
    """

    row: UserRow
    sent: Sequence[Sent] = ()
    sent_after_rows: Sequence[Sent] = ()
    refused: str = ""


def link(
    row: UserRow, arrival: Arrival, partition: Partition, privacy: Privacy, rules: Rules
) -> Sequence[Sent]:
    """Record the identity stated by an event, and the ids that it links to the user.

    Returns the messages for the partitions of those ids.
    """
    event = arrival.timed.event
    if not row.is_identified and not row.merged_into and identifies(arrival):
        row.is_identified = True
    if event.type not in LINKING_EVENTS or arrival.forwarded is not None:
        return ()
    user_key, at = arrival.timed.user_key, arrival.timed.at
    may_merge = arrival.timed.is_trusted and isinstance(event, AliasCall)
    # A user named in an alias and never seen before is a user with a new id, not a visitor.
    is_identified = row.is_identified or bool(row.merged_into) or (may_merge and not row.kinds)
    sent: list[Sent] = []
    for user_id in _other_ids(event):
        key = privacy.user_key(user_id)
        known = row.linked.get(key)
        if key in {user_key, row.merged_into} or (
            known is not None and _need_not_claim(known, at, may_merge, rules)
        ):
            continue
        place = partition.place_of(user_id)
        row.linked[key] = Place(place, at, OWNED if known is not None and known.claim == OWNED else CLAIMED)
        claim = Link(
            key=key,
            sender=user_key,
            to_partition=partition.number,
            at=at,
            is_identified=is_identified,
            may_merge=may_merge,
            is_member=bool(row.merged_into),
            **position_of(arrival.cause),
        )
        sent.append(Sent(place, claim))
    return sent


def forward(row: UserRow, arrival: Arrival, privacy: Privacy) -> Sent:
    """The message that forwards an event to the row that its own row was merged into."""
    record, forwarded, user_key = arrival.record, arrival.forwarded, arrival.timed.user_key
    message = Forwarded(
        key=row.merged_into,
        sender=user_key,
        value=privacy.scrub_bytes(record.value or b""),
        received_at=record.received_at,
        visited=[*(forwarded.visited if forwarded is not None else ()), user_key],
        origin=forwarded.origin if forwarded is not None else arrival.cause.partition,
        is_identified=row.is_identified or identifies(arrival),
        **position_of(arrival.cause),
    )
    return Sent(row.merged_partition, message)


def answer(
    message: Link | History | Received | Decided | Moved,
    row: UserRow | None,
    cause: Cause,
    erased_until: float,
    rules: Rules,
) -> Answer | None:
    """How a row responds to another row's message; None if nothing changes.

    Nothing changes if the row was erased (`erased_until`, epoch seconds) after the message was sent.
    """
    match message:
        case Received():
            return None if row is None else _answer_received(row, cause)
        case Decided():
            return None if row is None else _answer_decided(message, row, cause)
        case Moved():
            return None if row is None else _answer_moved(message, row, cause)
    if message.at <= erased_until or (row is not None and is_known(row, message)):
        return None
    if isinstance(message, Link):
        return _answer_link(message, row, cause, erased_until)
    return _answer_history(message, row, cause, erased_until, rules)


def give_again(rows: Iterable[UserRow | None]) -> list[Sent]:
    """The histories that may not have been sent before the last shutdown."""
    return [
        Sent(row.merged_partition, decode_message(row.outgoing))
        for row in rows
        if row is not None and row.outgoing
    ]


def forget(user_key: str, row: UserRow, until: float, cause: Cause) -> list[Sent]:
    """The messages that erase the rows linked to an erased row."""
    places = {key: place.partition for key, place in row.linked.items() if place.claim != REFUSED}
    if row.merged_into:
        places[row.merged_into] = row.merged_partition
    return [
        Sent(
            partition,
            Forget(
                key=key,
                sender=user_key,
                until=until,
                is_owner=key == row.merged_into,
                **position_of(cause),
            ),
        )
        for key, partition in places.items()
    ]


def belongs(row: UserRow, message: Forget) -> bool:
    """Whether a row must be erased with the one that says so: either was merged into the other."""
    return message.is_owner or row.merged_into == message.sender


def _answer_link(link: Link, row: UserRow | None, cause: Cause, erased_until: float) -> Answer:
    """Give the row to its claimant, take the claimant in instead, or refuse."""
    if row is None:
        pointer = UserRow(seen_at=link.at, erased_until=erased_until)
        return _point(pointer, link, cause)
    if link.key == link.sender:
        return Answer(row)  # forwarded from one of its own ids
    claimant = row.linked.get(link.sender)
    if row.merged_into:
        is_owned = row.merged_into == link.sender
        if link.may_merge and not (is_owned or _is_of_visitor(row)) and link.hops < MAX_PASSED_ON:
            _note(row, link, cause)
            onward = msgspec.structs.replace(link, key=row.merged_into, hops=link.hops + 1)
            return Answer(row, [Sent(row.merged_partition, onward)])
        row.merged_outright = row.merged_outright or (is_owned and link.may_merge)
        return _decide(row, link, cause, "" if is_owned else TAKEN)
    if link.is_member and claimant is not None and claimant.claim == OWNED:
        _note(row, link, cause)
        return Answer(row)  # the two are one already
    claims_each_other = claimant is not None and claimant.claim == CLAIMED and not link.is_returned
    if claims_each_other and link.key < link.sender:
        return _decide(row, link, cause, TAKEN)  # the smaller key is the user
    if row.is_identified and not link.is_identified:
        row.linked[link.sender] = Place(link.to_partition, link.at)
        _note(row, link, cause)
        returned = Link(
            key=link.sender,
            sender=link.key,
            to_partition=cause.partition,
            at=link.at,
            may_merge=link.may_merge,
            is_returned=True,
            **position_of(cause),
        )
        return Answer(row, [Sent(link.to_partition, returned)])
    if row.is_identified and not link.may_merge:
        if claimant is not None:
            claimant.claim = REFUSED
        return _decide(row, link, cause, IDENTIFIED)
    return _give(row, link, cause, erased_until)


def _give(row: UserRow, link: Link, cause: Cause, erased_until: float) -> Answer:
    history = History(
        key=link.sender,
        sender=link.key,
        sender_partition=cause.partition,
        from_key=link.key,
        from_partition=cause.partition,
        at=link.at,
        row=encode_row(row),
        **position_of(cause),
    )
    pointer = UserRow(
        applied=row.applied,
        heard=row.heard,
        seen_at=max(row.seen_at, link.at),
        erased_until=erased_until,
        outgoing=encode_message(history),
        is_identified=row.is_identified,
    )
    # The history itself says that the claim was granted.
    return _point(pointer, link, cause)._replace(sent=(), sent_after_rows=[Sent(link.to_partition, history)])


def _point(pointer: UserRow, link: Link, cause: Cause) -> Answer:
    pointer.merged_into, pointer.merged_partition = link.sender, link.to_partition
    pointer.merged_outright = link.may_merge
    return _decide(pointer, link, cause, "")


def _decide(row: UserRow, link: Link, cause: Cause, refused: str) -> Answer:
    _note(row, link, cause)
    decided = Decided(
        key=link.sender,
        sender=link.key,
        about=link.key,
        partition=cause.partition,
        at=link.at,
        is_owned=not refused,
        is_identified=row.is_identified,
        **position_of(cause),
    )
    return Answer(row, [Sent(link.to_partition, decided)], refused=refused)


def _answer_history(
    history: History, row: UserRow | None, cause: Cause, erased_until: float, rules: Rules
) -> Answer:
    """Merge a history into its user's row, or forward it if that row has been merged too."""
    if row is None:
        row = UserRow(seen_at=history.at, erased_until=erased_until)
    _note(row, history, cause)
    received = Received(key=history.sender, sender=history.key, **position_of(cause))
    sent = [Sent(history.sender_partition, received)]
    other = decode_row(history.row)
    if row.merged_into and ends_circle(history.key, history.visited):
        row.merged_into = ""
    elif row.merged_into and other.is_identified and _is_of_visitor(row):
        # This row is now a known user, who must not follow the visitor.
        sent += reclaim(row, history.key, history.at, cause)
    if row.merged_into:
        passed_on = msgspec.structs.replace(
            history,
            key=row.merged_into,
            sender=history.key,
            sender_partition=cause.partition,
            visited=[*history.visited, history.key],
            **position_of(cause),
        )
        sent.append(Sent(row.merged_partition, passed_on))
        return Answer(row, sent)
    moved = {key: other.linked[key] for key in owned_ids(other) if key != history.key}
    sent += [
        Sent(place.partition, moved_on(key, history.from_key, history.key, cause))
        for key, place in moved.items()
    ]
    if history.visited:
        sent.append(
            Sent(history.from_partition, moved_on(history.from_key, history.visited[0], history.key, cause))
        )
    merge_rows(row, other, cause, rules)
    row.linked.pop(history.key, None)
    row.linked[history.from_key] = Place(history.from_partition, history.at, OWNED)
    return Answer(row, sent)


def _answer_received(row: UserRow, cause: Cause) -> Answer:
    """Drop the history, which has been received."""
    row.outgoing = b""
    row.applied[cause.topic] = cause.offset
    return Answer(row)


def _answer_decided(decided: Decided, row: UserRow, cause: Cause) -> Answer | None:
    """Note the result of a claim, or pass it on to the owner for whom it was made."""
    sent: list[Sent] = []
    if row.merged_into and decided.is_owned and decided.is_identified and _is_of_visitor(row):
        sent += reclaim(row, decided.key, decided.at, cause)
    if row.merged_into:
        if decided.hops >= MAX_PASSED_ON:
            return None
        onward = msgspec.structs.replace(
            decided, key=row.merged_into, sender=decided.key, hops=decided.hops + 1, **position_of(cause)
        )
        return Answer(row, [Sent(row.merged_partition, onward)])
    if decided.about == decided.key:
        return None
    row.linked[decided.about] = Place(decided.partition, decided.at, OWNED if decided.is_owned else REFUSED)
    row.applied[cause.topic] = cause.offset
    return Answer(row, sent)


def _answer_moved(moved: Moved, row: UserRow, cause: Cause) -> Answer | None:
    """Point to the new owner, unless the row belongs to somebody else by now."""
    if row.merged_into != moved.former or moved.key == moved.sender:
        return None
    row.merged_into, row.merged_partition = moved.sender, moved.to_partition
    row.applied[cause.topic] = cause.offset
    return Answer(row)


def _is_of_visitor(row: UserRow) -> bool:
    """Whether a row was given away as a visitor's, so that no known user may follow."""
    return not (row.is_identified or row.merged_outright)


def _need_not_claim(known: Place, at: float, may_merge: bool, rules: Rules) -> bool:
    """Whether an id need not be claimed again yet; a new statement may change the answer."""
    if may_merge and known.claim != OWNED:
        return False
    again_after = CLAIM_AGAIN_AFTER if known.claim == REFUSED else rules.row_validity / 2
    return at - known.at < again_after


def _note(row: UserRow, message: Message, cause: Cause) -> None:
    note_heard(row, message)
    row.applied[cause.topic] = cause.offset


def _other_ids(event: Event) -> list[str]:
    match event:
        case IdentifyCall() if event.user_id and event.anonymous_id:
            return [event.anonymous_id]
        case AliasCall():
            return [event.previous_id]
    return []
