"""What a public data set says of itself: how its files are recognised, and what a row of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One data set.

    Attributes:
        name: what `--format` calls it.
        summary: where it comes from, for the documentation.
        columns: headers of its tables, in small letters; a table with all columns of one of them is of it.
        headless: the columns of a row of cells without a header, or None if it is not of it.
        claims: whether a JSON object, a line of its files, is of it.
        events: the events of a row or an object, each with its time in epoch seconds.
        is_in_time_order: its files are; otherwise its events are sorted before they are taken.
        is_of_lines: its lines are records of a tracker's form as they stand; `events` is not asked.
    """

    name: str
    summary: str
    events: Callable[[Record], Iterator[tuple[float, bytes]]]
    columns: Sequence[frozenset[str]] = ()
    headless: Callable[[Sequence[str]], list[str] | None] = lambda _: None
    claims: Callable[[Record], bool] = lambda _: False
    is_in_time_order: bool = False
    is_of_lines: bool = False
