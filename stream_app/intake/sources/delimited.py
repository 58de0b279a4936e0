"""CSV and TSV with any common delimiter, with a header or from a known data set without one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import IO

from stream_app.errors import InputError
from stream_app.intake.sources.rows import NEEDED, Row

DELIMITERS = ",\t;|\x01"


def delimiter_of(line: str) -> str | None:
    """The delimiter of a header, outside of quotes; None if there is none."""
    cells = {sign: len(next(csv.reader([line], delimiter=sign), ())) for sign in DELIMITERS}
    sign = max(DELIMITERS, key=cells.__getitem__)
    return sign if cells[sign] > 1 else None


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line, without surrounding spaces."""
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), ())]


def read_rows(
    stream: IO[bytes], name: str, delimiter: str, columns: list[str] | None = None
) -> Iterator[Row]:
    """Rows by column; without `columns` the first line names them.

    Raises:
        InputError: a row has a different width, a column is named twice, or the text is not UTF-8.
    """
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8", newline=""), delimiter=delimiter)
    try:
        if columns is None:
            columns = [cell.strip() for cell in next(reader, [])]
        check_header(columns, name)
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(columns):
                raise InputError(
                    f"{name}, line {reader.line_num}: {len(cells)} cells, the header has {len(columns)}"
                )
            yield dict(zip(columns, cells, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{name}, near line {reader.line_num}: {error}") from None


def check_header(columns: list[str], name: str) -> None:
    """Refuse a header that has a field twice.

    Raises:
        InputError: it does.
    """
    for column in columns:
        if columns.count(column) > 1 or any(other.startswith(f"{column}.") for other in columns):
            raise InputError(f"{name}, line 1: {column} is given twice; write each field once")


def refuse_header(name: str, columns: list[str]) -> InputError:
    """Refuse a table without events, saying why."""
    shown = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
    return InputError(
        f"{name} does not begin with a header of event fields: it has {shown}; write one with {NEEDED}, or "
        "with type, userId and timestamp, or name the file's form with --format"
    )
