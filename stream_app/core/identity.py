"""An anonymous history joined to its user, exactly once, wherever the two rows lie.

A link is noted in the user's row and told to the partition of the anonymous row. That row gives all it
has to the user's partition and stays as a pointer, so that what still comes for it is sent after it. The
pointer is stored, with what it gives, before that is sent: after a crash the row might hold more by then,
and of two histories only one would be taken. The user's row answers, so that the pointer can be emptied.
What one row sends comes in the order of its causes, so a repeat is known by the position of its cause.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from stream_app.core.identity_messages import (
    AnyMessage,
    Forget,
    Forwarded,
    History,
    Link,
    Message,
    Received,
    Sent,
    decode_message,
    encode_message,
)
from stream_app.core.merging import merge_rows
from stream_app.core.partition import Partition
from stream_app.core.records import Record
from stream_app.core.step_result import StepResult
from stream_app.features.user_row import Place, UserRow, decode_row, encode_row
from stream_app.intake.identifiers import Cause
from stream_app.intake.ports import Privacy
from stream_app.intake.wire import AliasEvent, Event, IdentifyEvent
from stream_app.settings.rules import Rules

LINKING_EVENTS = frozenset({IdentifyEvent.type, AliasEvent.type})
MAX_LINKED = 32
MAX_HOPS = 8


class Identities:
    """What one partition says and hears of identities during a step; `begin_row` takes in a new row."""

    def __init__(
        self,
        partition: Partition,
        rules: Rules,
        row_of: Callable[[str], UserRow | None],
        begin_row: Callable[[str, UserRow], None],
        result: StepResult,
    ) -> None:
        self._partition = partition
        self._rules = rules
        self._row_of = row_of
        self._begin_row = begin_row
        self._rows = result.rows
        self._sent = result.sent
        self._after = result.sent_after

    def link(
        self, user_key: str, row: UserRow, event: Event, at: float, cause: Cause, privacy: Privacy
    ) -> None:
        """Note the other ids that an event says are this user's, and tell their partitions."""
        for user_id in _other_ids(event):
            key = privacy.user_key(user_id)
            known = row.linked.get(key)
            is_told = known is not None and at - known.at < self._rules.row_validity / 2
            if is_told or key in {user_key, row.merged_into}:
                continue
            place = self._partition.place_of(user_id)
            row.linked[key] = Place(place, at)
            while len(row.linked) > MAX_LINKED:
                del row.linked[next(iter(row.linked))]
            here = self._partition.number
            link = Link(key=key, sender=user_key, to_partition=here, at=at, **_position(cause))
            self._send(place, link)

    def forward(
        self, user_key: str, row: UserRow, record: Record, cause: Cause, hops: int, privacy: Privacy
    ) -> None:
        """Send an event after the row that it was for."""
        message = Forwarded(
            key=row.merged_into,
            sender=user_key,
            value=privacy.scrub_bytes(record.value or b""),
            received_at=record.received_at,
            hops=hops + 1,
            **_position(cause),
        )
        self._send(row.merged_partition, message)

    def take(self, message: Link | History | Received, cause: Cause, privacy: Privacy) -> None:
        """Do what another row asks, unless the row that it is for was erased since."""
        if isinstance(message, Received):
            self._take_received(message, cause)
            return
        erased_until = self._partition.erasures.until([message.key], privacy)
        if message.at <= erased_until:
            return
        if isinstance(message, Link):
            self._take_link(message, cause, erased_until)
        else:
            self._take_history(message, cause, erased_until)

    def _take_link(self, link: Link, cause: Cause, erased_until: float) -> None:
        """Give the row away, unless it was given before; the first user to claim it has it."""
        row = self._row_of(link.key)
        if row is not None and is_known(row, link):
            return
        pointer = UserRow(
            seen_at=link.at,
            erased_until=erased_until,
            merged_into=link.sender,
            merged_partition=link.to_partition,
        )
        if row is None:
            self._begin_row(link.key, pointer)
        elif row.merged_into or (link.sender in row.linked and link.key < link.sender):
            pointer = row  # of two that claim each other the lesser key is the user
        else:
            history = History(
                key=link.sender,
                sender=link.key,
                sender_partition=self._partition.number,
                from_key=link.key,
                from_partition=self._partition.number,
                at=link.at,
                row=encode_row(row),
                **_position(cause),
            )
            pointer.outgoing = encode_message(history)
            self._after.append(Sent(link.to_partition, history))
            pointer.applied, pointer.heard = row.applied, row.heard
            pointer.seen_at = max(row.seen_at, link.at)
        _note(pointer, link, cause)
        self._rows[link.key] = pointer

    def _take_received(self, received: Received, cause: Cause) -> None:
        """Keep no longer what was given."""
        row = self._row_of(received.key)
        if row is not None:
            row.outgoing = b""
            row.applied[cause.topic] = cause.offset
            self._rows[received.key] = row

    def send_again(self) -> None:
        """Give once more what may not have been sent before the last stop."""
        for key in self._partition.take_unsent():
            row = self._row_of(key)
            if row is not None and row.outgoing:
                self._after.append(Sent(row.merged_partition, decode_message(row.outgoing)))

    def _take_history(self, history: History, cause: Cause, erased_until: float) -> None:
        """Make a history part of its user's row, or send it after that."""
        row = self._row_of(history.key)
        is_new = row is None
        if row is None:
            row = UserRow(seen_at=history.at, erased_until=erased_until)
        elif is_known(row, history):
            return
        _note(row, history, cause)
        answer = Received(key=history.sender, sender=history.key, **_position(cause))
        self._send(history.sender_partition, answer)
        if row.merged_into and history.hops >= MAX_HOPS:
            row.merged_into = ""  # rows that point to each other in a circle: here it ends
        if row.merged_into:
            onward = {"key": row.merged_into, "sender": history.key, "hops": history.hops + 1}
            self._send(row.merged_partition, msgspec.structs.replace(history, **_position(cause), **onward))
        else:
            merge_rows(row, decode_row(history.row), cause, self._rules)
            row.linked[history.from_key] = Place(history.from_partition, history.at)
        if is_new:
            self._begin_row(history.key, row)
        self._rows[history.key] = row
        self._partition.schedule(history.key, row)

    def forget(self, user_key: str, row: UserRow, until: float, cause: Cause) -> None:
        """Have the rows that belong to an erased one erased too."""
        places = {key: place.partition for key, place in row.linked.items()}
        if row.merged_into:
            places[row.merged_into] = row.merged_partition
        for key, partition in places.items():
            self._send(partition, Forget(key=key, sender=user_key, until=until, **_position(cause)))

    def _send(self, partition: int, message: AnyMessage) -> None:
        self._sent.append(Sent(partition, message))


def is_known(row: UserRow, message: Message) -> bool:
    """Whether the row has taken the message before."""
    return message.offset <= row.heard.get(message.source, -1)


def _note(row: UserRow, message: Message, cause: Cause) -> None:
    row.heard[message.source] = message.offset
    row.applied[cause.topic] = cause.offset


def _other_ids(event: Event) -> list[str]:
    match event:
        case IdentifyEvent() if event.user_id and event.anonymous_id:
            return [event.anonymous_id]
        case AliasEvent():
            return [event.previous_id]
    return []


def _position(cause: Cause) -> dict[str, Any]:
    return {"topic": cause.topic, "offset": cause.offset}
