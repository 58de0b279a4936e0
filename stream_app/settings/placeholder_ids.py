"""Placeholders for missing ids: those of `data/placeholder_ids.toml`, and the operator's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

_EDGES = " \t\r\n\v\f\0\u00a0\u200b\ufeff\"'`"


@dataclass(frozen=True)
class PlaceholderIds:
    """Placeholders in lower case, for every kind of id and (a superset) for user ids.

    An id that consists only of `zeros` is a placeholder. `templates` are the beginnings and ends of unfilled
    templates. `real` ids are never placeholders.
    """

    every_kind: frozenset[str]
    people: frozenset[str]
    templates: tuple[tuple[str, str], ...] = ()
    zeros: str = ""
    real: frozenset[str] = frozenset()
    # First characters of texts that have to be looked at whole, and of all placeholders with their lengths.
    beginnings: frozenset[str] = field(init=False, repr=False, compare=False)
    shapes: frozenset[tuple[int, str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        opened = "".join(begin[0] for begin, _ in self.templates)
        beginnings = frozenset(_EDGES + opened.lower() + opened.upper())
        known = self.every_kind | self.people
        shapes = frozenset(
            (len(text), first) for text in known if text for first in text[0] + text[0].upper()
        )
        object.__setattr__(self, "beginnings", beginnings)
        object.__setattr__(self, "shapes", shapes)

    def may_be_one(self, text: str) -> bool:
        """Whether an id has to be looked at: nearly every id of every event is done with by this.

        False only where all of `stands_for_nothing`, `stands_for_no_item` and `stands_for_nobody` are.
        """
        if not text or (first := text[0]) in self.beginnings or (last := text[-1]) in _EDGES:
            return True
        if first in self.zeros and last in self.zeros:
            return True
        return (len(text), first) in self.shapes or not text.isascii()

    def stands_for_nothing(self, text: str) -> bool:
        """Whether an id of a session, group or message is a placeholder."""
        return self._is_among(text, self.every_kind)

    def stands_for_no_item(self, text: str) -> bool:
        """Whether an item's id is a placeholder; catalogues may well start at 0."""
        return _bare(text) != "0" and self._is_among(text, self.every_kind)

    def stands_for_nobody(self, text: str) -> bool:
        """Whether a user's id is a placeholder."""
        return self._is_among(text, self.people)

    def changed(self, more: Iterable[str], real: Iterable[str]) -> PlaceholderIds:
        """These placeholders and `more`, without those that are `real` ids here."""
        added = frozenset(map(_bare, more))
        return PlaceholderIds(
            self.every_kind | added,
            self.people | added,
            self.templates,
            self.zeros,
            self.real | frozenset(map(_bare, real)),
        )

    def _is_among(self, text: str, placeholders: frozenset[str]) -> bool:
        bare = _bare(text)
        if bare in placeholders or (self.zeros and not bare.strip(self.zeros)):
            return bare not in self.real
        return any(bare.startswith(begin) and bare.endswith(end) for begin, end in self.templates)


def _bare(text: str) -> str:
    return text.strip(_EDGES).casefold()


def _read() -> PlaceholderIds:
    path = files("stream_app.settings") / "data" / "placeholder_ids.toml"
    listed: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    every_kind = frozenset(map(_bare, listed["every_kind"]))
    templates = tuple((begin, end) for begin, end in listed["templates"])
    people = every_kind | frozenset(map(_bare, listed["people"]))
    return PlaceholderIds(every_kind, people, templates, listed["zeros"])


SHIPPED = _read()
