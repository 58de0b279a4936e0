"""Definitions that may be used: well written, with names of their own, and bounded."""

from __future__ import annotations

from stream_app.definitions.file import Definitions, DefinitionsError, Mistake
from stream_app.features.declared.bounds import MOST_BYTES, Size, most_bytes, sizes
from stream_app.features.reading import is_built_in


def check_definitions(definitions: Definitions, limit: int = MOST_BYTES) -> Definitions:
    """The same definitions: their names are free, and they take at most `limit` bytes of a row.

    Raises:
        DefinitionsError: they may not be used.
    """
    check_names(definitions)
    check_bounds(definitions, limit)
    return definitions


def check_names(definitions: Definitions) -> None:
    """Refuse what is called as one of the product's own features is.

    Raises:
        DefinitionsError: something is.
    """
    mistakes = [
        Mistake(size.line, "name", f"{size.name} is a feature of the product's own: choose another name")
        for size in sizes(definitions)
        if is_built_in(size.name) or is_built_in(f"{size.name}_1")
    ]
    if mistakes:
        raise DefinitionsError(mistakes)


def check_bounds(definitions: Definitions, limit: int) -> None:
    """Refuse features that together may take more than `limit` bytes of a row.

    Raises:
        DefinitionsError: they may.
    """
    total = most_bytes(definitions)
    if total > limit:
        largest = sorted(sizes(definitions), key=lambda size: -size.most_bytes)[:3]
        advice = "fewer or shorter windows, a lower keep or longest, or a higher definitions_bytes"
        mistakes = [
            Mistake(size.line, _field_of(size), f"{size.name} may take {size.most_bytes:,} bytes of each row")
            for size in largest
        ]
        summary = f"all together may take {total:,} bytes of each row, {limit:,} are allowed: choose {advice}"
        raise DefinitionsError([*sorted(mistakes), Mistake(0, "", summary)])


def _field_of(size: Size) -> str:
    return "name" if size.name == size.feature else "windows"
