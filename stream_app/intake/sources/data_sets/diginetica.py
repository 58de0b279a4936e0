"""Diginetica (CIKM Cup 2016): item views and purchases, separated by semicolons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from stream_app.intake.sources.data_sets.declaration import DataSet, Record
from stream_app.intake.sources.data_sets.shop_events import Order, Visitor, shop_event
from stream_app.intake.sources.rows import NOT_IN_NAMES


def events(row: Record) -> Iterator[tuple[float, bytes]]:
    """One row is one event: a day, and the milliseconds since the session's first query."""
    cells = {NOT_IN_NAMES.sub("", name.lower()): cell for name, cell in row.items()}
    day = datetime.fromisoformat(cells["eventdate"]).replace(tzinfo=UTC)
    user = cells.get("userid")
    yield shop_event(
        "ordered" if "ordernumber" in cells else "viewed",
        at=day.timestamp() + int(cells["timeframe"]) / 1000,
        visitor=Visitor(cells["sessionid"], None if user in {None, "", "NA"} else user),
        item_id=cells["itemid"],
        order=Order(cells.get("ordernumber")),
    )


DATA_SET = DataSet(
    name="diginetica",
    summary="Diginetica's `train-item-views.csv` and `train-purchases.csv`",
    columns=(
        frozenset({"sessionid", "itemid", "timeframe", "eventdate"}),
        frozenset({"session_id", "item_id", "timeframe", "eventdate"}),
    ),
    events=events,
)
