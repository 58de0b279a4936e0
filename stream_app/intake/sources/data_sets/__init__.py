"""Public data sets in their original files: one module each, found in this folder."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from stream_app.intake.sources.data_sets.declaration import DataSet, Record


def _declared() -> dict[str, DataSet]:
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [import_module(f"{__package__}.{name}") for name in names]
    return {module.DATA_SET.name: module.DATA_SET for module in modules if hasattr(module, "DATA_SET")}


DATA_SETS: Mapping[str, DataSet] = _declared()


def of_columns(columns: Sequence[str]) -> DataSet | None:
    """The data set with a table that has this header."""
    named = {column.lower() for column in columns}
    return next((known for known in DATA_SETS.values() if any(each <= named for each in known.columns)), None)


def of_cells(cells: Sequence[str]) -> tuple[DataSet, list[str]] | None:
    """The data set whose tables have no header and rows like this, and the names of its columns."""
    for known in DATA_SETS.values():
        if (columns := known.headless(cells)) is not None:
            return known, columns
    return None


def of_record(record: Record) -> DataSet | None:
    """The data set whose files contain such JSON objects."""
    return next((known for known in DATA_SETS.values() if known.claims(record)), None)
