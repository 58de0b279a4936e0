"""Detects the format of a stream of bytes from its beginning; the only place that does so."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

import orjson

from stream_app.intake import trackers
from stream_app.intake.sources import data_sets
from stream_app.intake.sources.data_sets import DATA_SETS
from stream_app.intake.sources.data_sets.declaration import DataSet
from stream_app.intake.sources.data_sets.snowplow_archive import is_enriched_line
from stream_app.intake.sources.delimited import cells_of, delimiter_of, read_rows, refuse_header
from stream_app.intake.sources.json_documents import json_documents
from stream_app.intake.sources.parquet import ParquetTable
from stream_app.intake.sources.rows import Row, encode, row_reader
from stream_app.intake.sources.time_order import in_time_order
from stream_app.intake.sources.unpacking import Peeked, unpack

NAME_LIKE = 0.5  # at least this many of a header's cells are not numbers


def read_values(stream: IO[bytes], name: str, data_set: str | None = None) -> Iterator[bytes]:
    """The events of a stream in JSON; anything else is passed on for the contract to refuse.

    Raises:
        InputError: a table's header names no event, a row has a different width, or the text is truncated.
    """
    peeked = unpack(stream)
    buffered = cast("IO[bytes]", io.BufferedReader(peeked))
    lines = _whole_lines(peeked)
    first = lines[0].strip(b" \r\n") if lines else b""
    if not first:
        return iter(())
    if first[:1] in b"{[":
        if _is_json_lines(first, lines[1:]):
            return _json_values(_lines(buffered), data_set)
        return _json_values(json_documents(buffered), data_set)
    return _table_values(buffered, first, name, data_set)


def read_parquet(path: Path, data_set: str | None = None) -> Iterator[tuple[bytes, float]]:
    """The events of a Parquet file in JSON, each with the share of the file read so far.

    Raises:
        InputError: its columns name no event, it is damaged, or the extra `files` is not installed.
    """
    table = ParquetTable(path)
    read = 0

    def counted() -> Iterator[Row]:
        nonlocal read
        for row in table.read():
            read += 1
            yield row

    for value in _row_values(counted(), table.columns, str(path), data_set):
        yield value, read / max(table.rows, 1)


def _whole_lines(peeked: Peeked) -> list[bytes]:
    lines = [line for line in peeked.head.splitlines() if line.strip()]
    return lines[:-1] if len(lines) > 1 and not peeked.head.endswith(b"\n") else lines


def _is_json_lines(first: bytes, others: list[bytes]) -> bool:
    """Whether values end on their lines; a bad line among good ones does not change that."""
    if first[:1] == b"[":
        return False
    if _parses(first):
        return True
    if first.endswith((b"{", b"[", b",")):
        return False  # the object continues on the next line
    return not others or any(map(_parses, others[:100]))


def _parses(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    for line in stream:
        stripped = line.strip(b"\r\n")
        if stripped.strip():
            yield stripped


def _json_values(values: Iterator[bytes], data_set: str | None) -> Iterator[bytes]:
    first = next(values, None)
    if first is None:
        return iter(())
    values = chain([first], values)
    known = _named(data_set) or _data_set_of(first)
    if known is not None:
        return _in_order(known, _events_of(known, values, _object_of))
    return (event for value in values for event in _single_events(value))


def _named(data_set: str | None) -> DataSet | None:
    """The named data set, unless its files are just lines of a tracker form."""
    known = DATA_SETS[data_set] if data_set else None
    return known if known is not None and not known.is_of_lines else None


def _data_set_of(value: bytes) -> DataSet | None:
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return data_sets.of_record(record) if isinstance(record, dict) else None


def _single_events(value: bytes) -> Iterator[bytes]:
    """The record as it is, or each event of one with several."""
    if value[:1] == b"[" or b'"batch"' in value or b'"events"' in value:
        try:
            events = trackers.read(value, trackers.detect(value))
        except trackers.Unreadable:
            events = []
        if len(events) > 1:
            yield from map(encode, events)
            return
    yield value


def _table_values(stream: IO[bytes], first: bytes, name: str, data_set: str | None) -> Iterator[bytes]:
    line = first.decode("utf-8", "replace")
    delimiter = delimiter_of(line)
    if is_enriched_line(line) or delimiter is None or trackers.detect(first) != trackers.CANONICAL.name:
        return _lines(stream)
    cells = cells_of(line, delimiter)
    if headless := data_sets.of_cells(cells):
        known, columns = headless
        rows = read_rows(stream, name, delimiter, columns)
        return _in_order(known, _events_of(known, rows, lambda row: row))
    named = sum(not cell[:1].isdigit() and "{" not in cell for cell in cells)
    if named <= NAME_LIKE * len(cells):
        return _lines(stream)
    return _row_values(read_rows(stream, name, delimiter), cells, name, data_set)


def _row_values(rows: Iterator[Row], columns: list[str], name: str, data_set: str | None) -> Iterator[bytes]:
    known = _named(data_set) or data_sets.of_columns(columns)
    if known is not None:
        return _in_order(known, _events_of(known, rows, lambda row: row))
    read = row_reader(columns)
    if read is None:
        raise refuse_header(name, columns)
    return map(read, rows)


def _object_of(value: bytes) -> Any:
    return orjson.loads(value)


def _events_of(
    known: DataSet, records: Iterator[Any], parse: Callable[[Any], Any]
) -> Iterator[tuple[float, bytes]]:
    newest = 0.0
    for record in records:
        try:
            events = list(known.events(parse(record)))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            # Malformed rows stay in place, to be refused and counted.
            events = [(newest, record if isinstance(record, bytes) else encode({"row": dict(record)}))]
        newest = events[-1][0] if events else newest
        yield from events


def _in_order(known: DataSet, events: Iterator[tuple[float, bytes]]) -> Iterator[bytes]:
    return (value for _, value in events) if known.is_in_time_order else in_time_order(events)
