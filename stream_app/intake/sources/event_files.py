"""Events from files in any common format, folders and glob patterns, and standard input."""

from __future__ import annotations

import glob
import sys
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from stream_app.errors import InputError
from stream_app.intake.sources.detection import read_parquet, read_values
from stream_app.intake.sources.parquet import MAGIC as PARQUET_MAGIC
from stream_app.intake.sources.source import Source

STANDARD_INPUT = "-"
PATTERN_SIGNS = "*?["
# Folders also contain notes and pictures; shards often have no suffix at all.
SUFFIXES = ("", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".dat", ".parquet")
PACKED_SUFFIXES = (".gz", ".zst")


class EventFile:
    """One file of events; its format is detected from its content, not its name."""

    is_live = False

    def __init__(self, path: Path, data_set: str | None = None) -> None:
        self._path = path
        self._data_set = data_set

    @property
    def name(self) -> str:
        """The file's full path."""
        return str(self._path.resolve())

    def size(self) -> int | None:
        """The file's size in bytes."""
        return self._path.stat().st_size

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """One value per event.

        Raises:
            InputError: the file cannot be read, or is shorter than what was read before.
        """
        try:
            values = self._values()
            if sum(1 for _ in islice(values, skip)) < skip:
                raise InputError(
                    f"{self._path} holds fewer than the {skip} records read of it before: "
                    "replay another file under another name, or into another data folder"
                )
            yield from values
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise InputError(f"{self._path} cannot be read: {error}") from error

    def _values(self) -> Iterator[tuple[bytes, int]]:
        with self._path.open("rb") as raw:
            if raw.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC:
                size = self.size() or 0
                for value, share in read_parquet(self._path, self._data_set):
                    yield value, round(share * size)
                return
            raw.seek(0)
            try:
                for value in read_values(raw, str(self._path), self._data_set):
                    yield value, raw.tell()
            except InputError as error:
                if str(self._path) in str(error):
                    raise
                raise InputError(f"{self._path} cannot be read: {error}") from None


class StandardInput:
    """Events from standard input, in any format except Parquet."""

    name = STANDARD_INPUT
    is_live = True

    def __init__(self, data_set: str | None = None) -> None:
        self._data_set = data_set

    def size(self) -> int | None:
        """Unknown."""
        return None

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """One value per event.

        Raises:
            InputError: the stream cannot be read, or is shorter than what was read before.
        """
        try:
            values = read_values(sys.stdin.buffer, "standard input", self._data_set)
            if sum(1 for _ in islice(values, skip)) < skip:
                raise InputError(
                    f"standard input ends before the {skip} records that were read of it when its last "
                    "replay was cut short: pipe the same stream again, or replay into another data folder"
                )
            for number, value in enumerate(values, start=skip + 1):
                yield value, number
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise InputError(f"standard input cannot be read: {error}") from error


def open_events(inputs: Sequence[str], data_set: str | None = None) -> list[Source]:
    """Sources for files, folders (their event files by name), patterns such as `*.gz`, and `-`.

    Raises:
        InputError: a path does not exist, a folder or pattern has no file, or - is named twice.
    """
    if inputs.count(STANDARD_INPUT) > 1:
        raise InputError("standard input can be read once: write - once")
    sources: list[Source] = []
    for given in inputs:
        if given == STANDARD_INPUT:
            sources.append(StandardInput(data_set))
        else:
            sources += [EventFile(file, data_set) for file in _files_of(given)]
    return sources


def _files_of(given: str) -> list[Path]:
    path = Path(given)
    if path.is_file():
        return [path]
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if _may_hold_events(file)]
        if not files:
            raise InputError(f"{path} holds no {', '.join(SUFFIXES[1:])} files, packed or not")
        return files
    if any(sign in given for sign in PATTERN_SIGNS):
        found = sorted(Path(name) for name in glob.glob(given, recursive=True))
        if files := [file for file in found if file.is_file()]:
            return files
        raise InputError(f"{given} names no file")
    raise InputError(f"{path} does not exist")


def _may_hold_events(file: Path) -> bool:
    if not file.is_file() or file.name.startswith((".", "_")):
        return False
    name = file.with_suffix("") if file.suffix in PACKED_SUFFIXES else file
    return name.suffix in SUFFIXES
