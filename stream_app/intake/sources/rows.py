"""Table rows as events: columns have the contract's names, the flat form's, or common ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import orjson

Row = Mapping[str, Any]

# A JSON number (RFC 8259); `007`, `1_000` and `nan` are text.
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
MAX_INTEGER_DIGITS = 18  # longer numbers do not fit 64 bits and are ids
NOT_IN_NAMES = re.compile(r"[\W_]+")

# The flat form's names, each with its synonyms, in lower case without separators.
FLAT_NAMES: Mapping[str, tuple[str, ...]] = {
    "user_id": ("userid", "uid", "user", "customerid", "memberid", "accountid"),
    "anonymous_id": ("anonymousid", "visitorid", "deviceid", "cookieid", "clientid", "userpseudoid"),
    "session_id": ("sessionid", "usersession", "session", "visitid"),
    "item_id": ("itemid", "productid", "item", "product", "articleid", "contentid", "sku", "aid"),
    "event": ("event", "eventtype", "eventname", "action", "behavior", "behaviortype", "type"),
    "ts": ("ts", "timestamp", "time", "eventtime", "datetime", "date", "createdat", "occurredat"),
    "event_id": ("eventid", "messageid"),
    "url": ("url", "pageurl"),
}
KEPT_AS_TEXTS = {*FLAT_NAMES} - {"ts"}
NEEDED = "a user, visitor or session (such as user_id) and a time (such as ts)"
UTC_SUFFIX = re.compile(r"\s*(UTC|GMT)$")


def row_reader(columns: Sequence[str]) -> Callable[[Row], bytes] | None:
    """Return a function that turns a row into an event in JSON; None if the columns name no event."""
    if {"type", "timestamp"} <= set(columns):
        paths = {name: name.split(".") for name in columns}
        return lambda row: _contract_event(row, paths)
    names = flat_names(columns)
    if "ts" in names.values() and {"user_id", "anonymous_id", "session_id"} & set(names.values()):
        return lambda row: _flat_event(row, names)
    return None


def flat_names(columns: Sequence[str]) -> dict[str, str]:
    """Map each column to the flat form's name, if it is the first column with it, or else to its own."""
    taken: dict[str, str] = {}
    names = {NOT_IN_NAMES.sub("", column.lower()): column for column in reversed(columns)}
    for flat, aliases in FLAT_NAMES.items():
        found = next((names[alias] for alias in aliases if alias in names), None)
        if found is not None:
            taken[found] = flat
    return {column: taken.get(column, column) for column in columns}


def number_of(cell: str) -> float | int | str:
    """The cell as a number if it is a JSON number, else the cell."""
    found = NUMBER.fullmatch(cell)
    if found is None:
        return cell
    if found[2] is None and found[3] is None:
        return int(cell) if len(found[1]) <= MAX_INTEGER_DIGITS else cell
    value = float(cell)
    return value if isfinite(value) else cell


def encode(event: Mapping[str, Any]) -> bytes:
    """An event in JSON; values that JSON cannot represent become text."""
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)


def is_missing(value: Any) -> bool:
    """Whether a cell is empty."""
    return value is None or value == "" or (isinstance(value, float) and not isfinite(value))


def _contract_event(row: Row, paths: Mapping[str, list[str]]) -> bytes:
    event: dict[str, Any] = {}
    for column, path in paths.items():
        value = row.get(column)
        if is_missing(value):
            continue
        inner = event
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        is_free = path[0] in {"properties", "traits"}
        inner[path[-1]] = number_of(value) if is_free and isinstance(value, str) else _in_utc(value)
    return encode(event)


def _flat_event(row: Row, names: Mapping[str, str]) -> bytes:
    event = {
        name: _flat_value(name, row[column]) for column, name in names.items() if not is_missing(row[column])
    }
    event.setdefault("event", "view")
    if "user_id" not in event and "anonymous_id" not in event and "session_id" in event:
        event["anonymous_id"] = event["session_id"]  # the session is used as its visitor
    return encode(event)


def _flat_value(name: str, value: Any) -> Any:
    if name == "ts":
        return UTC_SUFFIX.sub("Z", value).replace("/", "-") if isinstance(value, str) else _in_utc(value)
    if name in KEPT_AS_TEXTS:
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return number_of(value) if isinstance(value, str) else value


def _in_utc(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else value
