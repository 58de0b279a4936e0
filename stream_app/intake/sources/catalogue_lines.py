"""A catalogue file: one item of the contract per line, in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from stream_app.errors import InputError
from stream_app.schemas.catalogue import CatalogueItem


def read_catalogue(path: Path) -> Iterator[CatalogueItem]:
    """The items of a file in order; blank lines are skipped.

    Raises:
        InputError: the file cannot be read, or a line is not an item.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _item_of(line, f"{path}, line {number}")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _item_of(line: bytes, place: str) -> CatalogueItem:
    try:
        return CatalogueItem.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        named = f" of {field}" if field else ""
        raise InputError(f"{place} is no catalogue item{named}: {problem['msg']}") from None
