"""Google Analytics 4's export to BigQuery (`events_YYYYMMDD`), saved as JSON lines or Parquet.

Source: Google's "GA4 BigQuery Export schema". A row is made a body of the Measurement Protocol, so that GA4's
events are read alike on both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stream_app.intake.sources.data_sets.declaration import DataSet, Record
from stream_app.intake.sources.rows import encode
from stream_app.intake.trackers.google_analytics import read_google_analytics

COLUMNS = frozenset({"event_timestamp", "event_name", "user_pseudo_id", "event_params"})
DEVICE = {"category": "category", "mobile_model_name": "model", "operating_system": "operating_system"}
CAMPAIGN = {"source": "campaign_source", "medium": "campaign_medium", "name": "campaign"}


def events(record: Record) -> Iterator[tuple[float, bytes]]:
    """A row is one event; `event_timestamp` is in microseconds since 1970."""
    at = int(record["event_timestamp"]) / 1_000_000
    params = _values(record.get("event_params"))
    bought = record.get("ecommerce") or {}
    if bought.get("transaction_id") not in {None, "(not set)"}:
        params.setdefault("transaction_id", bought["transaction_id"])
    if bought.get("purchase_revenue") is not None:
        params.setdefault("value", bought["purchase_revenue"])
    items = [_without_nulls(item) for item in record.get("items") or ()]
    if items:
        params["items"] = items
    source = record.get("traffic_source") or {}
    params |= {ours: source[name] for name, ours in CAMPAIGN.items() if source.get(name)}
    device, place = record.get("device") or {}, record.get("geo") or {}
    web = device.get("web_info") or {}
    body = {
        "client_id": record.get("user_pseudo_id"),
        "user_id": record.get("user_id"),
        "timestamp_micros": int(record["event_timestamp"]),
        "user_properties": {
            name: {"value": value} for name, value in _values(record.get("user_properties")).items()
        },
        "device": _without_nulls({ours: device.get(name) for name, ours in DEVICE.items()})
        | _without_nulls({"browser": web.get("browser"), "language": device.get("language")}),
        "user_location": _without_nulls({"country_id": place.get("country"), "city": place.get("city")}),
        "events": [{"name": record["event_name"], "params": params}],
    }
    for event in read_google_analytics(encode(body)):
        yield at, encode(event)


def _values(entries: Sequence[Record] | None) -> dict[str, Any]:
    """Of `{key, value: {string_value, int_value, …}}` the value that is there."""
    found: dict[str, Any] = {}
    for entry in entries or ():
        kinds = entry.get("value") or {}
        kind = next(
            (kind for kind, value in kinds.items() if value is not None and kind.endswith("_value")), None
        )
        if kind is not None:
            found[entry["key"]] = _number(kinds[kind]) if kind == "int_value" else kinds[kind]
    return found


def _number(value: Any) -> Any:
    return (
        int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value
    )  # JSON has int64 as text


def _without_nulls(fields: Record) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != "(not set)"}


DATA_SET = DataSet(
    name="ga4_bigquery",
    summary="Google Analytics 4's export to BigQuery, as JSON lines or Parquet",
    columns=(COLUMNS,),
    claims=lambda record: record.keys() >= COLUMNS,
    events=events,
)
