"""RetailRocket: the `events.csv` of a shop's visitors (views, carts, transactions)."""

from __future__ import annotations

from collections.abc import Iterator

from stream_app.intake.sources.data_sets.declaration import DataSet, Record
from stream_app.intake.sources.data_sets.shop_events import Order, Visitor, shop_event

KINDS = {"view": "viewed", "addtocart": "added", "transaction": "ordered"}


def events(row: Record) -> Iterator[tuple[float, bytes]]:
    """One row is one event; times are epoch milliseconds."""
    yield shop_event(
        KINDS.get(row["event"], str(row["event"])),
        at=int(row["timestamp"]) / 1000,
        visitor=Visitor(row["visitorid"]),
        item_id=row["itemid"],
        order=Order(row.get("transactionid")),
    )


DATA_SET = DataSet(
    name="retailrocket",
    summary="RetailRocket's `events.csv`: `timestamp,visitorid,event,itemid,transactionid`",
    columns=(frozenset({"timestamp", "visitorid", "event", "itemid"}),),
    events=events,
)
