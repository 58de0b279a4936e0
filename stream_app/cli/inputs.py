"""Options that name inputs, and the progress bar for reading them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from stream_app.cli.options import messages
from stream_app.errors import InputError

if TYPE_CHECKING:
    from stream_app.intake.sources.source import Source


ProgressCall = Callable[[int, int], None]
SECONDS_BETWEEN_LINES = 10.0


class InputFormat(StrEnum):
    """Input formats: event formats are detected; a public data set may be named."""

    EVENTS = "events"
    MARKETING = "marketing"
    COURSES = "courses"
    CLICKS = "clicks"
    RETAILROCKET = "retailrocket"
    YOOCHOOSE = "yoochoose"
    DIGINETICA = "diginetica"
    OTTO = "otto"
    GA4_BIGQUERY = "ga4_bigquery"
    SNOWPLOW_ARCHIVE = "snowplow_archive"


Files = Annotated[
    list[str] | None,
    typer.Argument(
        help="JSON, CSV or Parquet, packed or not; folders and patterns of them; - for standard input."
    ),
]
Form = Annotated[InputFormat, typer.Option("--format", help="What the files hold.")]
UsersTable = Annotated[Path | None, typer.Option("--users", help="Marketing: the table of users.")]
SessionsTable = Annotated[Path | None, typer.Option("--sessions", help="Marketing: their sessions.")]
FeaturesTable = Annotated[Path | None, typer.Option("--features", help="Courses: the table of features.")]
TargetTable = Annotated[Path | None, typer.Option("--target", help="Courses: the table of scores.")]


def open_sources(
    form: InputFormat,
    files: list[str],
    marketing: tuple[Path | None, Path | None],
    courses: tuple[Path | None, Path | None],
) -> list[Source]:
    """Open the sources named by the options.

    Raises:
        InputError: something is not named, missing, or not in the stated format.
    """
    from stream_app.intake.sources.click_stream import ClickStream
    from stream_app.intake.sources.courses import CourseTables
    from stream_app.intake.sources.event_files import open_events
    from stream_app.intake.sources.marketing import MarketingTables

    match form:
        case InputFormat.MARKETING:
            return [MarketingTables(*_both(marketing, "--format marketing needs --users and --sessions"))]
        case InputFormat.COURSES:
            return [CourseTables(*_both(courses, "--format courses needs --features and --target"))]
    if not files:
        raise InputError("name the files to read, or - for standard input")
    if form is InputFormat.CLICKS:
        return [ClickStream(Path(file)) for file in files]
    return open_events(files, form.value if form is not InputFormat.EVENTS else None)


class ProgressLines:
    """Progress without a terminal, for example in a log: a line every ten seconds."""

    def __init__(self, doing: str, size: int | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._doing = doing
        self._size = size
        self._clock = clock
        self._begun_at = self._said_at = clock()

    def __call__(self, records: int, read: int) -> None:
        """Report progress, if it is time to."""
        now = self._clock()
        if now - self._said_at < SECONDS_BETWEEN_LINES:
            return
        self._said_at = now
        rate = records / (now - self._begun_at)
        share = f", {min(read / self._size, 1):.0%}" if self._size else ""
        messages.print(
            f"{self._doing}: {records:,} events, {rate:,.0f}/s{share}, at position {read:,}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


@contextmanager
def progress(source: Source, doing: str) -> Iterator[ProgressCall]:
    """A bar on a terminal, else a line every ten seconds; called with records processed and size read."""
    if not messages.is_terminal:
        yield ProgressLines(f"{doing} {source.name}", source.size())
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[records]:,} events, {task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=messages, transient=True) as bar:
        task = bar.add_task(doing, total=source.size(), records=0, rate=0.0)
        begun_at = time.perf_counter()

        def show(records: int, read: int) -> None:
            seconds = max(time.perf_counter() - begun_at, 1e-9)
            bar.update(task, completed=read, records=records, rate=records / seconds)

        yield show


def _both(paths: tuple[Path | None, Path | None], message: str) -> tuple[Path, Path]:
    first, second = paths
    if first is None or second is None:
        raise InputError(message)
    return first, second
