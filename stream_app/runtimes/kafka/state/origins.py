"""The topics that a partition's positions refer to: offsets are meaningless in a recreated topic.

For each source topic, its cluster id and a base are stored beside the rows. The base is added to the offsets
of the topic's records. When positions are reset, the base grows past all offsets so far, so that positions in
rows and ids of outputs remain valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from stream_app.errors import StateError
from stream_app.observability.guard import GENERATION

ORIGINS_KEY = b"t"


class Origin(NamedTuple):
    """A topic's id, and the base added to the offsets of its records."""

    topic_id: str
    base: int = 0


Origins = dict[str, Origin]
"""By the names under which topics are declared."""
TopicIds = Mapping[str, str]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, Origin])


def encode_origins(origins: Origins) -> bytes:
    """Encode origins for storage."""
    return _encoder.encode(origins)


def decode_origins(stored: bytes | None) -> Origins:
    """Decode stored origins; empty if none were stored."""
    return _decoder.decode(stored) if stored is not None else {}


def adopt(origins: Origins, topic_ids: TopicIds) -> Origins:
    """Return the origins, with topics added that had none yet.

    Raises:
        StateError: the positions refer to a different topic than the current one.
    """
    for topic, origin in origins.items():
        if topic_ids.get(topic, origin.topic_id) != origin.topic_id:
            raise made_anew(topic)
    return {topic: Origin(topic_id) for topic, topic_id in topic_ids.items()} | origins


def renew(origins: Origins, topic_ids: TopicIds, applied: Mapping[str, int]) -> Origins:
    """Return the origins for the current topics; `applied` are the last positions in the rows."""
    renewed = dict(origins)
    for topic, topic_id in topic_ids.items():
        known = origins.get(topic)
        if known is None or known.topic_id != topic_id:
            last = max(applied.get(topic, -1), known.base if known else -1)
            renewed[topic] = Origin(topic_id, (last // GENERATION + 1) * GENERATION if last >= 0 else 0)
    return renewed


def made_anew(topic: str) -> StateError:
    """The message for a topic that is not the one that positions refer to."""
    return StateError(
        f"{topic} was deleted and recreated: the positions of the rows are those of the old topic, and "
        "what is in the new one would be passed over; stop all workers and run `stream-app positions reset`"
    )
