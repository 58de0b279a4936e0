"""Public data sets by their own files: a few rows of each form, made up."""

from pathlib import Path

import orjson
import pyarrow
import pytest
from pyarrow import parquet

from stream_app.cli.inputs import InputFormat
from stream_app.intake.decoding import TimedEvent, decode
from stream_app.intake.sources.data_sets import DATA_SETS
from stream_app.intake.sources.event_files import EventFile
from stream_app.intake.sources.time_order import in_time_order
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

GA4_ROW = {
    "event_date": "20231114",
    "event_timestamp": "1700000000250000",
    "event_name": "purchase",
    "event_params": [
        {"key": "page_location", "value": {"string_value": "https://shop.example/done", "int_value": None}},
        {"key": "ga_session_id", "value": {"int_value": "77"}},
    ],
    "user_id": None,
    "user_pseudo_id": "1.2",
    "user_properties": [],
    "device": {"category": "mobile", "operating_system": "iOS", "web_info": {"browser": "Safari"}},
    "geo": {"country": "NL", "city": "(not set)"},
    "ecommerce": {"transaction_id": "T1", "purchase_revenue": 30.5},
    "items": [{"item_id": "sku-1", "item_name": "Lamp", "price": 30.5, "quantity": "1"}],
}
RETAILROCKET = (
    "timestamp,visitorid,event,itemid,transactionid\n"
    "1433221332117,257597,view,355908,\n"
    "1433221300000,992329,addtocart,248676,\n"
    "1433221399000,992329,transaction,248676,4000\n"
)
CLICKS = "1,2014-04-07T10:51:09.277Z,214536502,0\n2,2014-04-07T10:50:09.868Z,214536500,S\n"
BUYS = "420374,2014-04-06T18:44:58.314Z,214537888,12462,2\n"
DIGINETICA = (
    "sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n1;7;31331;0;2016-05-09\n"
)
OTTO = [
    {"session": 5, "events": [{"aid": 1, "ts": 1661724000278, "type": "clicks"},
                              {"aid": 2, "ts": 1661724900000, "type": "orders"}]},
    {"session": 6, "events": [{"aid": 3, "ts": 1661724000300, "type": "carts"}]},
]  # fmt: skip


def events_of(path: Path, name: str | None = None) -> list[TimedEvent]:
    found = [decode(value, 2e9, INTAKE.privacy, Rules()) for value, _ in EventFile(path, name).records(0)]
    events = [event for event in found if isinstance(event, TimedEvent)]
    assert len(events) == len(found), found
    return events


def told(event: TimedEvent) -> tuple[object, ...]:
    properties = event.event.properties
    return (event.user_key, event.at, getattr(event.event, "event", "page"), properties.get("product_id"))


FILES = {
    "retailrocket": (RETAILROCKET, [
        ("992329", 1433221300.0, "Product Added", "248676"),
        ("257597", 1433221332.117, "page", "355908"),
        ("992329", 1433221399.0, "Order Completed", "248676"),
    ]),
    "yoochoose clicks": (CLICKS, [
        ("2", 1396867809.868, "page", "214536500"), ("1", 1396867869.277, "page", "214536502"),
    ]),
    "yoochoose buys": (BUYS, [("420374", 1396809898.314, "Order Completed", "214537888")]),
    "yoochoose reduced": ("SessionId\tItemId\tTime\n9\tb\t1396437476.5\n8\ta\t1396437466\n", [
        ("8", 1396437466.0, "page", "a"), ("9", 1396437476.5, "page", "b"),
    ]),
    "diginetica": (DIGINETICA, [
        ("7", 1462752000.0, "page", "31331"), ("1", 1462752526.309, "page", "81766"),
    ]),
    "otto": ("\n".join(orjson.dumps(line).decode() for line in OTTO), [
        ("5", 1661724000.278, "page", "1"), ("6", 1661724000.3, "Product Added", "3"),
        ("5", 1661724900.0, "Order Completed", "2"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_data_set_is_known_by_its_files_and_comes_in_time_order(tmp_path: Path, name: str) -> None:
    text, expected = FILES[name]
    path = tmp_path / "file"
    path.write_text(text)
    assert [told(event) for event in events_of(path)] == expected
    assert [told(event) for event in events_of(path, name.split(maxsplit=1)[0])] == expected


def test_a_purchase_has_its_revenue(tmp_path: Path) -> None:
    path = tmp_path / "buys"
    path.write_text(BUYS)
    [event] = events_of(path)
    assert event.event.properties["revenue"] == 24924


@pytest.mark.parametrize("form", ["lines", "parquet"])
def test_the_export_of_ga4_is_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / "events_20231114"
    if form == "lines":
        path.write_bytes(orjson.dumps(GA4_ROW))
    else:
        parquet.write_table(
            pyarrow.Table.from_pylist([{**GA4_ROW, "event_timestamp": 1700000000250000}]), path
        )
    [event] = events_of(path)
    assert told(event)[:3] == ("1.2", 1700000000.25, "Order Completed")
    assert event.event.context.session_id == "77"
    assert event.event.properties["revenue"] == 30.5
    assert event.event.properties["products"][0]["product_id"] == "sku-1"


def test_what_is_not_as_the_data_set_has_it_is_kept_to_be_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(RETAILROCKET + "soon,1,view,2,\n")
    values = [value for value, _ in EventFile(path).records(0)]
    assert len(values) == 4
    assert orjson.loads(next(value for value in values if b"soon" in value)) == {
        "row": {"timestamp": "soon", "visitorid": "1", "event": "view", "itemid": "2", "transactionid": ""}
    }


def test_every_data_set_can_be_named() -> None:
    assert DATA_SETS.keys() < {form.value for form in InputFormat}


def test_order_is_the_same_in_memory_and_on_disk() -> None:
    records = [(float(number * 7919 % 100), b"%d" % number) for number in range(250)]
    assert list(in_time_order(iter(records), 10)) == list(in_time_order(iter(records), 1000))
    assert [value for _, value in sorted(records, key=lambda record: record[0])] == list(
        in_time_order(records)
    )
