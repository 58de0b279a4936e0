"""Sorts records by time, on disk if they do not fit in memory.

Public data sets are sorted by session. The core expects events roughly in time order: those older than its
watermark would be late.
"""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO

CHUNK_RECORDS = 200_000
Timed = tuple[float, int, bytes]


def in_time_order(
    records: Iterable[tuple[float, bytes]], chunk_records: int = CHUNK_RECORDS
) -> Iterator[bytes]:
    """The values sorted by time (epoch seconds); the sort is stable."""
    chunk: list[Timed] = []
    files: list[IO[bytes]] = []
    try:
        for number, (at, value) in enumerate(records):
            chunk.append((at, number, value))
            if len(chunk) == chunk_records:
                files.append(_write(sorted(chunk)))
                chunk = []
        for _, _, value in heapq.merge(sorted(chunk), *map(_read, files)):
            yield value
    finally:
        for file in files:
            file.close()


def _write(records: list[Timed]) -> IO[bytes]:
    file = TemporaryFile()  # noqa: SIM115  # closed where it is read to its end
    for record in records:
        pickle.dump(record, file)
    file.seek(0)
    return file


def _read(file: IO[bytes]) -> Iterator[Timed]:
    while True:
        try:
            yield pickle.load(file)
        except EOFError:
            return
