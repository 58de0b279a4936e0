"""The courses format: a table of course features and a table of engagement scores, as a stream of labels.

The tables have no times: rows become events in order, one second apart.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, zip_longest
from pathlib import Path

from stream_app.errors import InputError
from stream_app.intake.sources.source import wire_event
from stream_app.intake.sources.tables import read_table

TARGET = "engagement_score"
SCORE_COLUMN = "Engagement Score"
FIRST_AT = datetime(2020, 1, 1, tzinfo=UTC)


class CourseTables:
    """One `label` event per course, which carries the course's features.

    Raises:
        InputError: a table is not in this format, or the two have different numbers of rows.
    """

    is_live = False

    def __init__(self, features: Path, target: Path) -> None:
        self._features, self._target = features, target
        self._size = sum(1 for _ in read_courses(features, target))

    @property
    def name(self) -> str:
        """The two files' full paths."""
        return f"courses:{self._features.resolve()}|{self._target.resolve()}"

    def size(self) -> int | None:
        """The number of courses."""
        return self._size

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """The courses, in the tables' order."""
        courses = islice(read_courses(self._features, self._target), skip, None)
        for number, (features, score) in enumerate(courses, start=skip + 1):
            item = f"course-{number}"
            yield (
                wire_event(
                    "label",
                    messageId=f"score:{item}",
                    anonymousId=item,
                    timestamp=FIRST_AT + timedelta(seconds=number),
                    properties={"target": TARGET, "value": score, "itemId": item, "features": features},
                ),
                number,
            )


def read_courses(features: Path, target: Path) -> Iterator[tuple[dict[str, float], float]]:
    """Features and score of each course.

    Raises:
        InputError: as of `CourseTables`.
    """
    rows = zip_longest(read_table(features, _header(features)), read_table(target, [SCORE_COLUMN]))
    for line, (row, score) in enumerate(rows, start=2):
        if row is None or score is None:
            shorter = features if row is None else target
            raise InputError(f"{shorter} ends before line {line}: the tables must have one row a course each")
        try:
            yield {name: float(cell) for name, cell in row.items() if cell}, float(score[SCORE_COLUMN])
        except ValueError as error:
            raise InputError(f"{features} and {target}, line {line}: {error}") from None


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            return next(csv.reader(text), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
