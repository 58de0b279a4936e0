"""Yoochoose (RecSys Challenge 2015): clicks and purchases of a shop's sessions, in tables without a header.

So is its usual reduction, tab separated with the header SessionId, ItemId, Time (epoch seconds).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from stream_app.intake.sources.data_sets.declaration import DataSet, Record
from stream_app.intake.sources.data_sets.shop_events import NO_ORDER, Order, Visitor, shop_event

CLICKS = ["session", "timestamp", "item", "category"]
BUYS = ["session", "timestamp", "item", "price", "quantity"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def headless(cells: Sequence[str]) -> list[str] | None:
    """By their width and their times."""
    columns = {len(known): known for known in (CLICKS, BUYS)}.get(len(cells))
    is_of_it = columns and cells[0].isdigit() and cells[2].isdigit() and TIME.fullmatch(cells[1])
    return columns if is_of_it else None


def events(row: Record) -> Iterator[tuple[float, bytes]]:
    """One row is one event; the session stands for its visitor."""
    if "SessionId" in row:
        yield shop_event(
            "viewed", at=float(row["Time"]), visitor=Visitor(row["SessionId"]), item_id=row["ItemId"]
        )
        return
    is_buy = "price" in row
    yield shop_event(
        "ordered" if is_buy else "viewed",
        at=datetime.fromisoformat(row["timestamp"]).timestamp(),
        visitor=Visitor(row["session"]),
        item_id=row["item"],
        order=Order(None, float(row["price"]), int(row["quantity"])) if is_buy else NO_ORDER,
        category=None if row.get("category") in {None, "0"} else row["category"],
    )


DATA_SET = DataSet(
    name="yoochoose",
    summary="Yoochoose's `yoochoose-clicks.dat` and `-buys.dat`, or `SessionId`, `ItemId`, `Time`",
    columns=(frozenset({"sessionid", "itemid", "time"}),),
    headless=headless,
    events=events,
)
