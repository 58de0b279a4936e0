"""What the rows of one user write to each other."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stream_app.features.user_row import UserRow


class Message(msgspec.Struct, kw_only=True, array_like=True):
    """Word from one row, the sender, to another; topic and offset are those of its cause."""

    key: str
    sender: str
    topic: str
    offset: int
    hops: int = 0

    @property
    def source(self) -> str:
        """What messages come from in the order of their offsets."""
        return f"{self.topic} {self.sender}"


class Link(Message, kw_only=True, array_like=True, tag="link"):
    """The row `key` is the user who sends this from a partition, as was said at event time `at`.

    `is_identified` says whether the sender was ever identified, `may_merge` whether a trusted source said
    outright that the two are one. `is_returned` is a link the other way round, by which an identified row
    answers that of one that is not. `is_member`: the sender has an owner itself.
    """

    to_partition: int
    at: float
    is_identified: bool = True
    may_merge: bool = False
    is_returned: bool = False
    is_member: bool = False


class History(Message, kw_only=True, array_like=True, tag="history"):
    """All that the row `from_key` held when it was linked to `key`; `visited` are rows that passed it on."""

    sender_partition: int
    from_key: str
    from_partition: int
    at: float
    row: bytes
    visited: list[str] = []

    @property
    def source(self) -> str:
        """What a row gives is sent once that is written: what it passes on meanwhile arrives before."""
        return f"{super().source} gave" if not self.visited else super().source


class Received(Message, kw_only=True, array_like=True, tag="received"):
    """What the row `key` gave has arrived."""


class Forwarded(Message, kw_only=True, array_like=True, tag="forwarded"):
    """An event that came for a row after that was linked to `key`; `visited` are all that passed it on, the
    first of them in partition `origin`.

    `is_identified` says whether it is of somebody who is known, not of a visitor.
    """

    value: bytes
    received_at: float
    visited: list[str] = []
    origin: int = -1
    is_identified: bool = False


class Decided(Message, kw_only=True, array_like=True, tag="decided"):
    """Whether the id `about`, by which somebody may be known, is that of the row `key`, which claimed it."""

    about: str
    partition: int
    at: float
    is_owned: bool
    is_identified: bool


class Moved(Message, kw_only=True, array_like=True, tag="moved"):
    """The row `key`, if it was merged into `former`, belongs to the sender now."""

    former: str
    to_partition: int


class Forget(Message, kw_only=True, array_like=True, tag="forget"):
    """The row `key`, if it belongs to the sender, was erased until then, in epoch seconds.

    `is_owner`: the sender was an id of the row `key`, all of which is to go.
    """

    until: float
    is_owner: bool = False


AnyMessage = Link | History | Received | Forwarded | Forget | Decided | Moved

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyMessage)


def encode_message(message: AnyMessage) -> bytes:
    """The message as it is sent."""
    return _encoder.encode(message)


def decode_message(data: bytes) -> AnyMessage:
    """Read a message.

    Raises:
        msgspec.DecodeError: the bytes are none.
    """
    message: AnyMessage = _decoder.decode(data)
    return message


def is_known(row: UserRow, message: Message) -> bool:
    """Whether the row has taken the message before."""
    return message.offset <= row.heard.get(message.source, -1)


def note_heard(row: UserRow, message: Message) -> None:
    """Note that the row has taken the message; who was heard last comes last."""
    row.heard.pop(message.source, None)
    row.heard[message.source] = message.offset


class Sent(NamedTuple):
    """A message and the partition that it is for."""

    partition: int
    message: AnyMessage
