"""The reduced job in Quix Streams: `apply` with state and changelog, at least once.

    python -m load_tests.peers.quix SERVERS SOURCE OUTPUTS FOLDER

As in its documentation: our own function decodes bytes (its JSON deserializer creates dicts, which would have
to be validated again), the row is one value of the key's state, and it commits every few seconds.
"""

from __future__ import annotations

import sys
from typing import Any

from quixstreams import Application, State

from load_tests.reduced_job import Event, Row, decode_event, decode_row, encode_row, encode_totals, update

ROW = "row"


def count(event: Event, state: State) -> bytes | None:
    """Update the row, and return the totals of one event."""
    data = state.get_bytes(ROW)
    row = decode_row(data) if data is not None else Row()
    totals = update(row, event)
    if totals is None:
        return None
    state.set_bytes(ROW, encode_row(row))
    return encode_totals(totals)


def build(servers: str, source: str, outputs: str, folder: str) -> Application:
    """The application; it reads from the beginning and commits at its default interval."""
    app = Application(
        broker_address=servers,
        consumer_group="reduced-quix",
        auto_offset_reset="earliest",
        state_dir=folder,
        processing_guarantee="at-least-once",
        auto_create_topics=True,
        loglevel="WARNING",
    )
    events = app.topic(source, key_deserializer="bytes", value_deserializer="bytes")
    totals = app.topic(outputs, key_serializer="bytes", value_serializer="bytes")
    stream: Any = app.dataframe(events)
    stream = stream.apply(decode_event).filter(lambda event: event is not None)
    stream = stream.apply(count, stateful=True).filter(lambda output: output is not None)
    stream.to_topic(totals)
    return app


if __name__ == "__main__":
    build(*sys.argv[1:]).run()
