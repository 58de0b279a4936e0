"""Events as JSON lines: files (also gzipped), folders of them, and standard input."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, cast

from stream_app.errors import InputError
from stream_app.intake.sources.event_csv import csv_events
from stream_app.intake.sources.source import Source

STANDARD_INPUT = "-"
LINE_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
CSV_SUFFIXES = (".csv", ".csv.gz")


class EventFile:
    """One file of events: JSON lines, or CSV whose header names the events' fields."""

    is_live = False

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The file's full path."""
        return str(self._path.resolve())

    def size(self) -> int | None:
        """Bytes of the file."""
        return self._path.stat().st_size

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """One value per line that is not blank.

        Raises:
            InputError: the file cannot be read, or is shorter than what was read of it before.
        """
        try:
            with self._path.open("rb") as raw:
                stream: IO[bytes] = raw
                if self._path.suffix == ".gz":
                    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
                values = self._values(stream)
                if sum(1 for _ in islice(values, skip)) < skip:
                    raise InputError(
                        f"{self._path} holds fewer than the {skip} records read of it before: "
                        "replay another file under another name, or into another data folder"
                    )
                for value in values:
                    yield value, raw.tell()
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{self._path} cannot be read: {error}") from error

    def _values(self, stream: IO[bytes]) -> Iterator[bytes]:
        if self._path.name.endswith(CSV_SUFFIXES):
            return csv_events(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), self._path)
        return _lines(stream)


class StandardInput:
    """JSON lines from standard input."""

    name = STANDARD_INPUT
    is_live = True

    def size(self) -> int | None:
        """Not to be known."""
        return None

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """One value per line that is not blank.

        Raises:
            InputError: the stream is shorter than what was read of it before.
        """
        values = _lines(sys.stdin.buffer)
        if sum(1 for _ in islice(values, skip)) < skip:
            raise InputError(
                f"standard input ends before the {skip} records that were read of it when its last replay "
                "was cut short: pipe the same stream again, or replay into another data folder"
            )
        for number, value in enumerate(values, start=skip + 1):
            yield value, number


def open_events(inputs: Sequence[str]) -> list[Source]:
    """Sources for files, folders (their event files by name) and `-`.

    Raises:
        InputError: a path does not exist, a folder holds no events, or standard input is named twice.
    """
    if inputs.count(STANDARD_INPUT) > 1:
        raise InputError("standard input can be read once: write - once")
    sources: list[Source] = []
    for given in inputs:
        path = Path(given)
        if given == STANDARD_INPUT:
            sources.append(StandardInput())
        elif path.is_dir():
            files = sorted(
                file for file in path.iterdir() if file.name.endswith(LINE_SUFFIXES + CSV_SUFFIXES)
            )
            if not files:
                raise InputError(f"{path} holds no {', '.join(LINE_SUFFIXES + CSV_SUFFIXES)} files")
            sources += [EventFile(file) for file in files]
        elif path.is_file():
            sources.append(EventFile(path))
        else:
            raise InputError(f"{path} does not exist")
    return sources


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    for line in stream:
        stripped = line.strip(b"\r\n")
        if stripped.strip():
            yield stripped
