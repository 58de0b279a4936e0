"""Events as CSV: the header names fields of the contract, dots for what lies inside, e.g.

type,userId,timestamp,event,properties.product_id,properties.price
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

import orjson

from stream_app.errors import InputError

# What JSON has as a number (RFC 8259); `007`, `1_000` and `nan` are texts.
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
MAX_INTEGER_DIGITS = 18  # more do not fit 64 bits, and are an id


def csv_events(text: TextIO, path: Path) -> Iterator[bytes]:
    """One event in JSON per row; empty cells are left out, numbers in properties and traits read as such.

    Raises:
        InputError: there is no header, it names no event fields, a row is of another width, or the file
            is not CSV in UTF-8.
    """
    reader = csv.reader(text)
    try:
        names = _read_header(reader, path)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                raise InputError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, the header has {len(names)}"
                )
            event: dict[str, Any] = {}
            for name, cell in zip(names, cells, strict=True):
                if cell:
                    _set(event, name, _number(cell) if name[0] in {"properties", "traits"} else cell)
            yield orjson.dumps(event)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}, near line {reader.line_num}: {error}") from None


def _read_header(reader: Iterator[list[str]], path: Path) -> list[list[str]]:
    header = next(reader, [])
    if "type" not in header or "timestamp" not in header:
        raise InputError(
            f"{path} does not begin with a header of event fields: write one with at least "
            "type, userId and timestamp, or name the file's form with --format"
        )
    for name in header:
        if header.count(name) > 1 or any(other.startswith(f"{name}.") for other in header):
            raise InputError(f"{path}, line 1: {name} is given twice; write each field once")
    return [name.split(".") for name in header]


def _set(event: dict[str, Any], name: list[str], value: Any) -> None:
    for part in name[:-1]:
        event = event.setdefault(part, {})
    event[name[-1]] = value


def _number(cell: str) -> float | int | str:
    found = NUMBER.fullmatch(cell)
    if found is None:
        return cell
    if found[2] is None and found[3] is None:
        return int(cell) if len(found[1]) <= MAX_INTEGER_DIGITS else cell
    value = float(cell)
    return value if isfinite(value) else cell
