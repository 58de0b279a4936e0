"""OTTO (the recommender systems data set of 2022): a session a line with its clicks, carts and orders."""

from __future__ import annotations

from collections.abc import Iterator

from stream_app.intake.sources.data_sets.declaration import DataSet, Record
from stream_app.intake.sources.data_sets.shop_events import Visitor, shop_event

KINDS = {"clicks": "viewed", "carts": "added", "orders": "ordered"}


def events(record: Record) -> Iterator[tuple[float, bytes]]:
    """A line is a session, a row of the table form one event; times are epoch milliseconds."""
    for each in record.get("events", [record]):
        yield shop_event(
            KINDS.get(each["type"], str(each["type"])),
            at=int(each["ts"]) / 1000,
            visitor=Visitor(record["session"]),
            item_id=each["aid"],
        )


DATA_SET = DataSet(
    name="otto",
    summary="OTTO's JSON lines, a session each, and its table form `session,aid,ts,type`",
    columns=(frozenset({"session", "aid", "ts", "type"}),),
    claims=lambda record: "session" in record and isinstance(record.get("events"), list),
    events=events,
)
