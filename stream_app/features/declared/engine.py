"""The engine of declared features: what an event counts in, how their parts are kept and read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

from stream_app.definitions.events import EventMatch, holds
from stream_app.definitions.features import (
    KEEPS_TEXT,
    LIFETIME,
    LISTED,
    NUMERIC,
    FeatureDefinition,
    Series,
)
from stream_app.definitions.file import Definitions
from stream_app.features.declared import tiles, visits
from stream_app.features.declared.aggregates import Aggregate, Value, aggregate_of
from stream_app.features.declared.state import DeclaredState
from stream_app.intake.personal_text import is_personal
from stream_app.intake.properties import MAX_REVENUE, number
from stream_app.intake.use import Use

VERSION_BYTES = 4
LARGEST_NUMBER = MAX_REVENUE  # sums of what is more would not stay finite


class Kept(NamedTuple):
    """A feature over one window, and what joins it."""

    feature: FeatureDefinition
    series: Series
    aggregate: Aggregate

    def is_wanted(self, wanted: Collection[str] | None) -> bool:
        """Whether one of the wanted features is read here; None wants all."""
        if wanted is None or self.series.name in wanted:
            return True
        return self.feature.aggregate in LISTED and any(
            name.startswith(f"{self.series.name}_") for name in wanted
        )


class _Watched(NamedTuple):
    """A declared feature that waits for events of a type and name, and the places of its series."""

    feature: FeatureDefinition
    places: tuple[int, ...]


class Engine:
    """Keeps the features of some definitions in states of users; it holds nothing of any user itself."""

    def __init__(self, definitions: Definitions) -> None:
        self.session_gap = definitions.session_gap
        self.kept: list[Kept] = []
        self._watched: dict[tuple[str, str | None], list[_Watched]] = {}
        for feature in definitions.features:
            places = []
            for series in feature.series:
                places.append(len(self.kept))
                self.kept.append(Kept(feature, series, aggregate_of(feature)))
            watched = _Watched(feature, tuple(places))
            for kind in dict.fromkeys((match.type, match.name) for match in feature.events):
                self._watched.setdefault(kind, []).append(watched)
        self.versions = b"".join(kept.series.version.to_bytes(VERSION_BYTES, "big") for kept in self.kept)
        self._has_sessions = any(kept.series.window == "session" for kept in self.kept)

    def follow(self, state: DeclaredState | None, known_until: float | None) -> DeclaredState:
        """The state as these definitions keep it: what they do not know is dropped, what is new begins.

        `known_until` is the event time up to which the user's events are gone; None: none are.
        """
        if state is not None and state.versions == self.versions:
            return state
        followed = DeclaredState(self.versions)
        known = _places(state.versions) if state is not None else {}
        moved: dict[int, int] = {}
        for place, kept in enumerate(self.kept):
            former = known.get(kept.series.version)
            if state is None or former is None:
                if known_until is not None:
                    followed.since[place] = known_until
                continue
            moved[former] = place
            if former in state.since:
                followed.since[place] = state.since[former]
            if former in state.parts:
                followed.parts[place] = state.parts[former]
            if former in state.tiles:
                followed.tiles[place] = state.tiles[former]
        if state is not None and self._has_sessions:
            followed.visits = visits.moved(state.visits, moved)
        return followed

    def apply(self, state: DeclaredState, use: Use) -> None:
        """Count an event in every feature that it belongs to."""
        watching: Iterable[_Watched] = self._watched.get((use.type, None), ())
        if use.name is not None:
            watching = [*watching, *self._watched.get((use.type, use.name), ())]
        visit = None
        if self._has_sessions and use.is_presence:
            visit = visits.at_time(state.visits, use.at, self.session_gap)
        counted: set[int] = set()
        for watched in watching:
            if watched.places[0] in counted or not _matches(watched.feature.events, use):
                continue
            counted.add(watched.places[0])
            for value in _values(watched.feature, use):
                for place in watched.places:
                    _, series, aggregate = self.kept[place]
                    if series.tiling is not None:
                        tiles.add(state.tiles, place, series.tiling, aggregate, value, use.at)
                    elif series.window == LIFETIME:
                        state.parts[place] = aggregate.add(state.parts.get(place), value, use.at)
                    else:
                        visit = visit or visits.at_time(state.visits, use.at, self.session_gap)
                        visit.parts[place] = aggregate.add(visit.parts.get(place), value, use.at)
        if visit is not None and len(state.visits) > 1:
            visits.join_close(state.visits, self.session_gap, self._merge_at)

    def merge(self, state: DeclaredState, other: DeclaredState) -> None:
        """Take in another state of the same user; both follow these definitions."""
        for place, since in other.since.items():
            state.since[place] = max(since, state.since.get(place, since))
        for place, part in other.parts.items():
            mine = state.parts.get(place)
            state.parts[place] = part if mine is None else self._merge_at(place, mine, part)
        for place, theirs in other.tiles.items():
            series = self.kept[place].series
            if series.tiling is not None:
                tiles.merge(state.tiles, place, series.tiling, self.kept[place].aggregate, theirs)
        state.visits += other.visits
        visits.join_close(state.visits, self.session_gap, self._merge_at)

    def read(
        self, state: DeclaredState | None, at: float, wanted: Collection[str] | None = None
    ) -> dict[str, Value]:
        """The features at event time `at`; what has nothing to say is absent, or what the definition says."""
        known = _places(state.versions) if state is not None else {}
        read: dict[str, Value] = {}
        for kept in self.kept:
            if not kept.is_wanted(wanted):
                continue
            part = None
            place = known.get(kept.series.version)
            if state is not None and place is not None:
                part = self._part(state, place, kept, at)
            if part is not None:
                name = kept.series.name
                read.update((name + suffix, value) for suffix, value in kept.aggregate.read(part, at))
            elif kept.feature.missing == "zero":
                read[kept.series.name] = 0
        return read

    def complete_since(self, state: DeclaredState | None, known_until: float) -> dict[str, float]:
        """From when on (epoch seconds) each feature knows every event of the user; 0.0: always."""
        known = _places(state.versions) if state is not None else {}
        since: dict[str, float] = {}
        for kept in self.kept:
            place = known.get(kept.series.version)
            since[kept.series.name] = (
                known_until if state is None or place is None else state.since.get(place, 0.0)
            )
        return since

    def names(self, wanted: Collection[str] | None = None) -> tuple[str, ...]:
        """What features are called; a name that ends in `*` stands for all that begin so."""
        return tuple(
            f"{kept.series.name}_*" if kept.feature.aggregate in LISTED else kept.series.name
            for kept in self.kept
            if kept.is_wanted(wanted)
        )

    def _part(self, state: DeclaredState, place: int, kept: Kept, at: float) -> Any:
        if kept.series.tiling is not None:
            found = tiles.covered(state.tiles.get(place), kept.series.tiling, at)
            # A part may be changed by joining it: what is read stays as it is.
            return reduce(kept.aggregate.merge, map(_copied, found)) if found else None
        if kept.series.window == LIFETIME:
            return state.parts.get(place)
        visit = visits.open_at(state.visits, at, self.session_gap)
        return visit.parts.get(place) if visit is not None else None

    def _merge_at(self, place: int, part: Any, other: Any) -> Any:
        return self.kept[place].aggregate.merge(part, other)


@lru_cache(maxsize=16)
def engine_of(definitions: Definitions) -> Engine:
    """The engine of some definitions."""
    return Engine(definitions)


@lru_cache(maxsize=256)
def _places(versions: bytes) -> dict[int, int]:
    """Each version's place."""
    return {
        int.from_bytes(versions[start : start + VERSION_BYTES], "big"): start // VERSION_BYTES
        for start in range(0, len(versions), VERSION_BYTES)
    }


def _matches(matches: Sequence[EventMatch], use: Use) -> bool:
    return any(
        match.type == use.type
        and match.name in (None, use.name)
        and all(holds(condition, use.value(condition.property)) for condition in match.where)
        for match in matches
    )


def _values(feature: FeatureDefinition, use: Use) -> Iterator[Value]:
    """What an event adds: 1, or the values of its property as far as they can be counted."""
    if feature.value is None:
        yield 1
        return
    for given in use.values(feature.value):
        value = number(given)
        if value is not None and abs(value) > LARGEST_NUMBER:
            continue
        if feature.aggregate in NUMERIC and feature.aggregate != "distinct":
            if value is not None:
                yield value
        elif value is not None and feature.aggregate in {"first", "last", "newest"}:
            yield value
        elif not (text := _text(given)):
            continue
        elif feature.aggregate not in KEEPS_TEXT:
            yield text
        elif not is_personal(text):
            yield text.encode()[: feature.longest].decode(errors="ignore")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""


def _copied(part: Any) -> Any:
    return part.copy() if isinstance(part, dict | list) else part
