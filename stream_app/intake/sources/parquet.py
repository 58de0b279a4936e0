"""Parquet, read with pyarrow, which the extra `files` installs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stream_app.errors import InputError
from stream_app.intake.sources.rows import Row
from stream_app.intake.sources.unpacking import INSTALL_FILES

MAGIC = b"PAR1"
BATCH_ROWS = 2_048


class ParquetTable:
    """The rows of a Parquet file, with one batch at a time in memory.

    Raises:
        InputError: pyarrow is not installed, or the file is not a complete Parquet file.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise InputError(f"{path} is a Parquet file: `{INSTALL_FILES}` brings what reads it") from None
        self._path = path
        self._broken: tuple[type[Exception], ...] = (pyarrow.ArrowException, OSError)
        try:
            self._file: Any = parquet.ParquetFile(path)
        except self._broken as error:
            raise InputError(f"{path} cannot be read: {error}") from None
        self.columns: list[str] = list(self._file.schema_arrow.names)
        self.rows: int = self._file.metadata.num_rows

    def read(self) -> Iterator[Row]:
        """The rows in order."""
        try:
            for batch in self._file.iter_batches(batch_size=BATCH_ROWS):
                yield from batch.to_pylist()
        except self._broken as error:
            raise InputError(f"{self._path} cannot be read: {error}") from None
