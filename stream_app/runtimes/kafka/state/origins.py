"""Which topics a partition's positions refer to: offsets mean nothing in a recreated topic.

Beside the rows stands, per source topic, the id that the cluster gave it and a base: what is added to the
offsets of its records. Where positions are reset the base grows past all offsets so far. So every position in
rows, and every id of an output, stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from stream_app.errors import StateError
from stream_app.observability.guard import GENERATION

ORIGINS_KEY = b"t"


class Origin(NamedTuple):
    """A topic's id, and what is added to the offsets of its records."""

    topic_id: str
    base: int = 0


Origins = dict[str, Origin]
"""By the names under which topics are declared."""
TopicIds = Mapping[str, str]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, Origin])


def encode_origins(origins: Origins) -> bytes:
    """As they are stored."""
    return _encoder.encode(origins)


def decode_origins(stored: bytes | None) -> Origins:
    """As they were stored; none where nothing was."""
    return _decoder.decode(stored) if stored is not None else {}


def adopt(origins: Origins, topic_ids: TopicIds) -> Origins:
    """The origins with those topics that have none yet.

    Raises:
        StateError: the positions are of another topic than there is now.
    """
    for topic, origin in origins.items():
        if topic_ids.get(topic, origin.topic_id) != origin.topic_id:
            raise made_anew(topic)
    return {topic: Origin(topic_id) for topic, topic_id in topic_ids.items()} | origins


def renew(origins: Origins, topic_ids: TopicIds, applied: Mapping[str, int]) -> Origins:
    """The origins with the topics that there are now; `applied` are the last positions in the rows."""
    renewed = dict(origins)
    for topic, topic_id in topic_ids.items():
        known = origins.get(topic)
        if known is None or known.topic_id != topic_id:
            last = max(applied.get(topic, -1), known.base if known else -1)
            renewed[topic] = Origin(topic_id, (last // GENERATION + 1) * GENERATION if last >= 0 else 0)
    return renewed


def made_anew(topic: str) -> StateError:
    """What to tell of a topic that is not the one that positions are of."""
    return StateError(
        f"{topic} was deleted and recreated: the positions of the rows are those of the old topic, and "
        "what is in the new one would be passed over; stop all workers and run `stream-app positions reset`"
    )
