"""What the rows of one user write to each other."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stream_app.features.user_row import UserRow

MAX_HOPS = 8  # rows that point to each other in a circle end it after so many


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
    """The row `key` is the user who sends this from a partition, as was said at event time `at`."""

    to_partition: int
    at: float


class History(Message, kw_only=True, array_like=True, tag="history"):
    """All that the row `from_key` held when it was linked to `key`; the sender may have passed it on."""

    sender_partition: int
    from_key: str
    from_partition: int
    at: float
    row: bytes


class Received(Message, kw_only=True, array_like=True, tag="received"):
    """What the row `key` gave has arrived."""


class Forwarded(Message, kw_only=True, array_like=True, tag="forwarded"):
    """An event that came for a row after that was linked to `key`."""

    value: bytes
    received_at: float


class Forget(Message, kw_only=True, array_like=True, tag="forget"):
    """The row `key` belonged to a user who was erased until then, in epoch seconds."""

    until: float


AnyMessage = Link | History | Received | Forwarded | Forget

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


class Sent(NamedTuple):
    """A message and the partition that it is for."""

    partition: int
    message: AnyMessage
