"""The messages between the rows of one user."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stream_app.features.user_row import UserRow


class Message(msgspec.Struct, kw_only=True, array_like=True):
    """A message from one row, the sender, to another; topic and offset are those of its cause."""

    key: str
    sender: str
    topic: str
    offset: int
    hops: int = 0

    @property
    def source(self) -> str:
        """The origin of messages, within which they are ordered by offset."""
        return f"{self.topic} {self.sender}"


class Link(Message, kw_only=True, array_like=True, tag="link"):
    """The row `key` belongs to the user who sends this, as stated at event time `at`.

    `is_identified`: the sender was identified at some time. `may_merge`: a trusted source explicitly declared
    the two to be one. `is_returned`: a link in the other direction, with which an identified row answers the
    link of one that is not. `is_member`: the sender itself has an owner.
    """

    to_partition: int
    at: float
    is_identified: bool = True
    may_merge: bool = False
    is_returned: bool = False
    is_member: bool = False


class History(Message, kw_only=True, array_like=True, tag="history"):
    """Everything in the row `from_key` when it was linked to `key`; `visited` are rows that forwarded it."""

    sender_partition: int
    from_key: str
    from_partition: int
    at: float
    row: bytes
    visited: list[str] = []

    @property
    def source(self) -> str:
        """A history is sent once its pointer is written; events forwarded meanwhile arrive before it."""
        return f"{super().source} gave" if not self.visited else super().source


class Received(Message, kw_only=True, array_like=True, tag="received"):
    """The history of the row `key` has arrived."""


class Forwarded(Message, kw_only=True, array_like=True, tag="forwarded"):
    """An event that arrived for a row after that was linked to `key`; `visited` are the rows that forwarded
    it, the first of them in partition `origin`.

    `is_identified`: it is from a known user, not a visitor.
    """

    value: bytes
    received_at: float
    visited: list[str] = []
    origin: int = -1
    is_identified: bool = False


class Decided(Message, kw_only=True, array_like=True, tag="decided"):
    """Whether the id `about`, possibly that of a known user, belongs to the row `key`, which claimed it."""

    about: str
    partition: int
    at: float
    is_owned: bool
    is_identified: bool


class Moved(Message, kw_only=True, array_like=True, tag="moved"):
    """The row `key`, if it was merged into `former`, now belongs to the sender."""

    former: str
    to_partition: int


class Forget(Message, kw_only=True, array_like=True, tag="forget"):
    """The row `key`, if it belongs to the sender, is erased up to `until`, in epoch seconds.

    `is_owner`: the sender was an id of the row `key`, which must be erased completely.
    """

    until: float
    is_owner: bool = False


class EraseAgain(Message, kw_only=True, array_like=True, tag="erase_again"):
    """To all rows of a partition: users who were erased, by their markers, each until then in epoch seconds.

    Where rows were restored from a backup, some may be there again. No row sends this.
    """

    erasures: list[tuple[str, float]]


AnyMessage = Link | History | Received | Forwarded | Forget | Decided | Moved | EraseAgain

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyMessage)


def encode_message(message: AnyMessage) -> bytes:
    """Encode the message for sending."""
    return _encoder.encode(message)


def decode_message(data: bytes) -> AnyMessage:
    """Read a message.

    Raises:
        msgspec.DecodeError: the bytes are not a message.
    """
    message: AnyMessage = _decoder.decode(data)
    return message


def is_known(row: UserRow, message: Message) -> bool:
    """Whether the row has already processed the message."""
    return message.offset <= row.heard.get(message.source, -1)


def note_heard(row: UserRow, message: Message) -> None:
    """Note that the row has processed the message; the most recent sender comes last."""
    row.heard.pop(message.source, None)
    row.heard[message.source] = message.offset


class Sent(NamedTuple):
    """A message and the partition that it is for."""

    partition: int
    message: AnyMessage
