"""The declaration of a public data set: how its files are recognised, and what a row means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One data set.

    Attributes:
        name: what `--format` calls it. summary: where it comes from, for the documentation. columns: headers
        of its tables, in lower case; a table with all columns of one of them belongs to it. headless: the
        columns for a row of a table without a header, or None if it does not belong to the data set. claims:
        whether a JSON object, a line of a file, belongs to it. events: the events of a row or an object, each
        with its time in epoch seconds. is_in_time_order: whether its files are in time order; otherwise
        events are sorted first. is_of_lines: whether its lines are records of a tracker form; `events` is
        then not used.
    """

    name: str
    summary: str
    events: Callable[[Record], Iterator[tuple[float, bytes]]]
    columns: Sequence[frozenset[str]] = ()
    headless: Callable[[Sequence[str]], list[str] | None] = lambda _: None
    claims: Callable[[Record], bool] = lambda _: False
    is_in_time_order: bool = False
    is_of_lines: bool = False
