"""A table of segments and types, and one of weekly frequencies, turned into a campaign file to edit."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stream_app.planning.campaigns import Campaign
from stream_app.planning.segments import SEGMENTS, Segment


class TableError(ValueError):
    """A table cannot be read; the message says what to write."""


class Imported(NamedTuple):
    """The text of the campaign file, and what became of columns that did not fit."""

    text: str
    remarks: Sequence[str]


def turn_into_campaign(mapping: str, frequency: str, starter: Campaign) -> Imported:
    """A campaign file of two CSV tables with a row for each segment, named in the first column.

    `mapping` has a column for each type, 1 where it suits the segment; `frequency` one, how many a week.
    Texts are those of `starter` where it has a type of that name, else to be written.

    Raises:
        TableError: a table lacks a segment, names another, or holds what is no number.
    """
    header, suits = _read(mapping, "mapping")
    _, weekly = _read(frequency, "frequency")
    columns = header[1:]
    segments_of: dict[str, list[Segment]] = {}
    remarks = []
    for place, name in enumerate(columns):
        suited = [segment for segment in SEGMENTS if suits[segment][place] > 0]
        known = segments_of.get(name)
        if known is not None:
            suited = [segment for segment in SEGMENTS if segment in {*known, *suited}]
            remarks.append(f"{name!r} stands twice: it is one type for the segments of both columns")
        segments_of[name] = suited
    for name in [name for name, suited in segments_of.items() if not suited]:
        del segments_of[name]
        remarks.append(f"{name!r} suits no segment: it is left out; add it with the segments that it is for")
    if not segments_of:
        raise TableError("the mapping gives no type to any segment: write 1 where one suits")
    per_week = {segment: weekly[segment][0] for segment in SEGMENTS}
    return Imported(_write(segments_of, per_week, starter), remarks)


def _read(table: str, what: str) -> tuple[list[str], dict[Segment, list[float]]]:
    lines = [line for line in csv.reader(table.splitlines()) if any(cell.strip() for cell in line)]
    if len(lines) < 2 or len(lines[0]) < 2:
        raise TableError(
            f"the {what} holds no table: write a row for each segment, named in the first column"
        )
    header = [name.strip() for name in lines[0]]
    rows: dict[Segment, list[float]] = {}
    for number, (name, *cells) in enumerate(lines[1:], start=2):
        if name.strip() not in set(SEGMENTS):
            raise TableError(f"row {number} of the {what} is of {name!r}: write one of {', '.join(SEGMENTS)}")
        if len(cells) != len(header) - 1:
            raise TableError(f"row {number} of the {what} has {len(cells)} values, not {len(header) - 1}")
        rows[Segment(name.strip())] = [_number(cell, number, what) for cell in cells]
    missing = [segment.value for segment in SEGMENTS if segment not in rows]
    if missing:
        raise TableError(f"the {what} has no row for {', '.join(missing)}")
    return header, rows


def _number(cell: str, row: int, what: str) -> float:
    try:
        value = float(cell or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise TableError(f"row {row} of the {what} holds {cell!r}: write a number from 0 to 1000")
    return value


def _write(
    segments_of: Mapping[str, Sequence[Segment]], per_week: Mapping[Segment, float], starter: Campaign
) -> str:
    lines = [
        "# Imported from a table of segments and types. Check the texts and triggers, then approve it.",
        "version = 1",
        'name = "imported"',
        'state = "draft"',
        f"default_time_zone = {_text(starter.default_time_zone)}",
        "",
        "[[channels]]",
        'name = "push"',
        'quiet_hours = ["21:30", "08:00"]',
        "",
        "[channels.caps]",
        "per_day = 1",
        "",
        "[channels.caps.per_week_by_segment]",
        *(f"{_text(segment)} = {int(count)}" for segment, count in per_week.items()),
    ]
    for name, suited in segments_of.items():
        known = starter.by_name.get(name)
        content = known.content["en"] if known is not None else None
        lines += [
            "",
            "[[types]]",
            f"name = {_text(name)}",
            'channel = "push"',
            'trigger = { kind = "schedule" }',
            f"segments = [{', '.join(map(_text, suited))}]",
            'cool_down = "2d"',
            "",
            "[types.content.en]",
            f"title = {_text(content.title if content else name)}",
            f"text = {_text(content.text if content else 'Write what this says.')}",
        ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
