"""A data folder's users and outputs as tables: a folder a table, and in it one a day (`day=2026-03-02`).

Engines such as DuckDB and Spark read such folders as one table with a column `day`. What is nested in an
output is a column of JSON. All files of a table have the same columns, of the same types.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from stream_app.errors import InputError, StateError
from stream_app.features.reading import read_features
from stream_app.runtimes.embedded.store import Store

Form = Literal["parquet", "csv"]
Values = dict[str, Any]
Columns = dict[str, type]
USERS = "users"
DAY_LENGTH = len("2026-01-31")
PART_ROWS = 50_000
"""Rows that are held before files are written."""
_WIDER: tuple[type, ...] = (bool, int, float, str)
"""Types, each able to hold the values of those before it."""


class Row(NamedTuple):
    """One row, with its table and day."""

    table: str
    day: str
    values: Values


def write_tables(store: Store, out: Path, form: Form) -> dict[str, int]:
    """Write every table, and return how many rows each has.

    Raises:
        InputError: Parquet is asked for and pyarrow is not installed.
        StateError: the folder is there already, or cannot be written.
    """
    if out.exists():
        raise StateError(f"{out} is there already: name a new folder, or remove it")
    write = write_parquet if form == "parquet" else write_csv
    columns = _columns_of(_rows(store))
    waiting: dict[tuple[str, str], list[Values]] = defaultdict(list)
    parts: Counter[tuple[str, str]] = Counter()
    counts: Counter[str] = Counter()
    try:
        for held, row in enumerate(_rows(store), 1):
            waiting[row.table, row.day].append(row.values)
            counts[row.table] += 1
            if held % PART_ROWS == 0:
                _write_parts(waiting, parts, columns, out, write)
        _write_parts(waiting, parts, columns, out, write)
    except OSError as error:
        raise StateError(f"{out} cannot be written: {error}") from error
    return dict(counts)


def write_csv(path: Path, columns: Columns, rows: Sequence[Values]) -> None:
    """Rows as CSV (RFC 4180)."""
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(path: Path, columns: Columns, rows: Sequence[Values]) -> None:
    """Rows as Parquet.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            "Parquet needs pyarrow: pip install 'stream-app[files]', or write --to csv"
        ) from None
    types = {bool: arrow.bool_(), int: arrow.int64(), float: arrow.float64(), str: arrow.string()}
    table = {
        name: arrow.array([None if row.get(name) is None else kind(row[name]) for row in rows], types[kind])
        for name, kind in columns.items()
    }
    parquet.write_table(arrow.Table.from_pydict(table), path.with_suffix(".parquet"))


def _write_parts(
    waiting: dict[tuple[str, str], list[Values]],
    parts: Counter[tuple[str, str]],
    columns: dict[str, Columns],
    out: Path,
    write: Callable[[Path, Columns, Sequence[Values]], None],
) -> None:
    for (table, day), rows in waiting.items():
        folder = out / table / f"day={day}"
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / f"part-{parts[table, day]}", columns[table], rows)
        parts[table, day] += 1
    waiting.clear()


def _rows(store: Store) -> Iterator[Row]:
    for _, user_key, row in store.rows():
        if row.merged_into:
            continue
        features = read_features(row, row.last_at)
        values: Values = {"user_key": user_key, "tier": row.tier, "is_bot": row.is_bot}
        values |= {f"feature_{name}": value for name, value in features.items()}
        yield Row(USERS, datetime.fromtimestamp(row.seen_at, UTC).date().isoformat(), values)
    for body in store.outputs():
        output: Values = orjson.loads(body)
        flat = {
            name: orjson.dumps(value).decode() if isinstance(value, dict | list) else value
            for name, value in output.items()
        }
        yield Row(output["schema_name"], output["as_of"][:DAY_LENGTH], flat)


def _columns_of(rows: Iterator[Row]) -> dict[str, Columns]:
    """By table, each column with the narrowest type that holds all its values; text where it has none."""
    found: dict[str, dict[str, type | None]] = defaultdict(dict)
    for table, _, values in rows:
        columns = found[table]
        for name, value in values.items():
            known = columns.setdefault(name, None)
            if value is not None and known is not str:
                kinds = [kind for kind in (known, type(value)) if kind is not None]
                columns[name] = max(kinds, key=_WIDER.index)
    return {table: {name: kind or str for name, kind in columns.items()} for table, columns in found.items()}
