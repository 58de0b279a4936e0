"""Events as CSV: the header names fields of the contract, dots for what lies inside, e.g.

type,userId,timestamp,event,properties.product_id,properties.price
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import orjson

from stream_app.errors import InputError


def csv_events(text: TextIO, path: Path) -> Iterator[bytes]:
    """One event in JSON per row; empty cells are left out, numbers in properties and traits read as such.

    Raises:
        InputError: there is no header, or it names no event fields.
    """
    reader = csv.reader(text)
    header = next(reader, None)
    if header is None or "type" not in header or "timestamp" not in header:
        raise InputError(
            f"{path} does not begin with a header of event fields: write one with at least "
            "type, userId and timestamp, or name the file's form with --format"
        )
    names = [name.split(".") for name in header]
    for cells in reader:
        event: dict[str, Any] = {}
        for name, cell in zip(names, cells, strict=False):
            if cell:
                _set(event, name, _number(cell) if name[0] in {"properties", "traits"} else cell)
        yield orjson.dumps(event)


def _set(event: dict[str, Any], name: list[str], value: Any) -> None:
    for part in name[:-1]:
        event = event.setdefault(part, {})
    event[name[-1]] = value


def _number(cell: str) -> float | int | str:
    for convert in (int, float):
        try:
            return convert(cell)
        except ValueError:
            continue
    return cell
