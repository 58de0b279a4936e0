"""A file of definitions: read, checked as a whole, every mistake named by its line and field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from stream_app.definitions.audiences import AudienceDefinition
from stream_app.definitions.events import Definition
from stream_app.definitions.features import FeatureDefinition
from stream_app.definitions.spans import MINUTE

MOST_FEATURES = 50
MOST_AUDIENCES = 20


class DefinitionsFile(Definition):
    """What a definitions file may hold."""

    features: Annotated[tuple[FeatureDefinition, ...], Field(max_length=MOST_FEATURES)] = ()
    audiences: Annotated[tuple[AudienceDefinition, ...], Field(max_length=MOST_AUDIENCES)] = ()


@dataclass(frozen=True, eq=False)
class Definitions:
    """What a company declares of itself. Two are the same if they were written the same.

    `session_gap` (seconds) is the pause that ends an open session; `feature_lines` and `audience_lines` say
    where each feature and audience stands in its file.
    """

    features: tuple[FeatureDefinition, ...] = ()
    session_gap: float = 30 * MINUTE
    digest: str = ""
    feature_lines: tuple[int, ...] = ()
    audiences: tuple[AudienceDefinition, ...] = ()
    audience_lines: tuple[int, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Definitions) and (self.digest, self.session_gap) == (
            other.digest,
            other.session_gap,
        )

    def __hash__(self) -> int:
        return hash(self.digest)


NONE = Definitions()


class Mistake(NamedTuple):
    """What is wrong in a file: where (line from 1, 0 for the whole file; field) and what to write instead."""

    line: int
    field: str
    problem: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{place}: {self.problem}" if self.line else self.problem


class DefinitionsError(ValueError):
    """A file of definitions cannot be used; `mistakes` are in the order of their lines."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


def read_definitions(path: Path, session_gap: float = NONE.session_gap) -> Definitions:
    """The definitions of a file.

    Raises:
        DefinitionsError: it cannot be read, or something in it is wrong.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise DefinitionsError([Mistake(0, "", f"{path} cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise DefinitionsError([Mistake(0, "", f"{path} is not UTF-8 text")]) from None
    return parse_definitions(text, session_gap)


def parse_definitions(text: str, session_gap: float = NONE.session_gap) -> Definitions:
    """The definitions of a text in TOML.

    Raises:
        DefinitionsError: something in it is wrong.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise DefinitionsError([Mistake(int(found[1]) if found else 0, "", f"no TOML: {error}")]) from None
    try:
        read = DefinitionsFile.model_validate(tree)
    except ValidationError as error:
        lines = _Lines(text)
        problems = error.errors(include_url=False)
        mistakes = {_mistake(lines, problem) for problem in problems if not _is_follow_on(problem, problems)}
        raise DefinitionsError(sorted(mistakes)) from None
    lines = _Lines(text)
    feature_lines = tuple(lines.of(("features", place, "name")) for place in range(len(read.features)))
    audience_lines = tuple(lines.of(("audiences", place, "name")) for place in range(len(read.audiences)))
    if clashes := _clashes(read, feature_lines) + _repeated(read, audience_lines):
        raise DefinitionsError(clashes)
    digest = sha256(text.encode()).hexdigest()
    return Definitions(read.features, session_gap, digest, feature_lines, read.audiences, audience_lines)


def _repeated(read: DefinitionsFile, lines: Sequence[int]) -> list[Mistake]:
    """Audiences of a name that another has."""
    names = [audience.name for audience in read.audiences]
    return [
        Mistake(line, "name", f"{name} is declared twice: choose another name")
        for place, (name, line) in enumerate(zip(names, lines, strict=True))
        if name in names[:place]
    ]


def _clashes(read: DefinitionsFile, lines: Sequence[int]) -> list[Mistake]:
    """Names that are given twice, and meanings that are written twice."""
    mistakes: list[Mistake] = []
    by_name: dict[str, str] = {}
    by_version: dict[int, str] = {}
    features: set[str] = set()
    for feature, line in zip(read.features, lines, strict=True):
        if feature.name in features:
            mistakes.append(Mistake(line, "name", f"{feature.name} is declared twice: choose another name"))
            continue
        features.add(feature.name)
        for series in feature.series:
            if series.name in by_name:
                problem = f"{series.name} is what {by_name[series.name]} is called too: choose another name"
                mistakes.append(Mistake(line, "name", problem))
            elif series.version in by_version:
                problem = f"{series.name} counts just what {by_version[series.version]} does: remove one"
                mistakes.append(Mistake(line, "name", problem))
            by_name[series.name] = feature.name
            by_version[series.version] = series.name
    total = sum(len(feature.series) for feature in read.features)
    if total > MOST_FEATURES:
        problem = f"{total} features, each window counted: no more than {MOST_FEATURES} are kept"
        mistakes.append(Mistake(0, "", problem))
    return mistakes


def _is_follow_on(problem: Any, problems: Sequence[Any]) -> bool:
    """Whether a list is too short only because its entries were not understood."""
    place = problem["loc"]
    return problem["type"] == "too_short" and any(
        other["loc"][: len(place)] == place and len(other["loc"]) > len(place) for other in problems
    )


def _mistake(lines: _Lines, problem: Any) -> Mistake:
    location = tuple(
        part for part in problem["loc"] if not str(part).startswith(("function-", "constrained-"))
    )
    message = str(problem["msg"]).removeprefix("Value error, ")
    # A rule over several fields names the one that is to be changed.
    named = re.match(r"(\w+): ", message)
    if named and problem["type"] == "value_error":
        location, message = (*location, named[1]), message.removeprefix(named[0])
    message = message.replace("Input should be", "must be")
    if problem["type"] == "extra_forbidden":
        message = "there is no such field"
    elif problem["type"] == "missing":
        message = "is missing"
    return Mistake(lines.of(location), _field(location), message[:1].lower() + message[1:])


def _field(location: Sequence[str | int]) -> str:
    names = [str(part) if isinstance(part, str) else f"[{part}]" for part in location[2:]]
    return ".".join(names).replace(".[", "[") or ".".join(map(str, location))


class _Lines:
    """On which line each field of a text in TOML stands, or else what is around it."""

    _HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]")
    _FIELD = re.compile(r"""\s*["']?([\w-]+)["']?\s*[.=]""")

    def __init__(self, text: str) -> None:
        self._known: dict[tuple[str | int, ...], int] = {}
        self._counts: dict[tuple[str | int, ...], int] = {}
        table: tuple[str | int, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            if header := self._HEADER.match(line):
                table = self._table(header[2].split("."), is_entry=header[1] == "[[")
                self._known.setdefault(table, number)
            elif field := self._FIELD.match(line):
                self._known.setdefault((*table, field[1]), number)

    def _table(self, names: Sequence[str], is_entry: bool) -> tuple[str | int, ...]:
        """The place in the tree of a header; `is_entry`: of a further entry of a list."""
        place: tuple[str | int, ...] = ()
        for name in names[:-1]:
            place = (*place, name)
            if place in self._counts:
                place = (*place, self._counts[place] - 1)
        place = (*place, names[-1])
        if not is_entry:
            return place
        self._counts[place] = self._counts.get(place, 0) + 1
        return (*place, self._counts[place] - 1)

    def of(self, location: Sequence[str | int]) -> int:
        """The line of a field, by its place in the tree; 0 where nothing is known of it."""
        place = tuple(location)
        while place:
            for known in (place, (*place, 0)):
                if known in self._known:
                    return self._known[known]
            place = place[:-1]
        return 0
