"""What a feature of a company's own is: of which events, which value, joined how, over which windows."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from pydantic import Field, field_validator, model_validator

from stream_app.definitions.events import Definition, EventMatch, Path
from stream_app.definitions.spans import Tiling, seconds_of, tiling_of

LIFETIME, SESSION = "lifetime", "session"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

Aggregate = Literal[
    "count",
    "sum",
    "mean",
    "least",
    "greatest",
    "first",
    "last",
    "newest",
    "most_frequent",
    "distinct",
    "share",
    "decayed_rate",
    "streak",
    "time_since",
]
WITHOUT_VALUE = frozenset({"count", "streak", "time_since"})
VALUE_OPTIONAL = frozenset({"decayed_rate"})
OVER_ALL_TIME = frozenset({"decayed_rate", "streak", "time_since"})
NUMERIC = frozenset({"count", "sum", "mean", "least", "greatest", "distinct", *OVER_ALL_TIME})
LISTED = frozenset({"newest", "most_frequent", "share"})
KEEPS_TEXT = LISTED | {"first", "last"}


class Series(NamedTuple):
    """A feature over one of its windows; `tiling` is None for lifetime and session."""

    name: str
    window: str
    tiling: Tiling | None
    version: int


def _allow_one(schema: dict[str, Any]) -> None:
    """Have the schema of a list take one of its entries too."""
    several = {name: schema.pop(name) for name in ("type", "items", "minItems", "maxItems")}
    schema["anyOf"] = [several["items"], several]


class FeatureDefinition(Definition):
    """A feature: its name carries the window as a suffix, unless that is all time."""

    name: Name = Field(description="Small letters, digits and _; with a window: carts_7d.")
    about: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="What it is, in a sentence."
    )
    events: Annotated[tuple[EventMatch, ...], Field(min_length=1, max_length=8)] = Field(
        description="Which events count: those that one of the matches describes.",
        json_schema_extra=_allow_one,
    )
    aggregate: Aggregate = Field(description="How the events or their values are joined.")
    value: Path | None = Field(None, description="The property that is joined.")
    unit: Annotated[str, Field(max_length=32)] = Field("", description="What a number is counted in.")
    windows: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)] = Field(
        (LIFETIME,), description="From 5m to 30d, lifetime, or session for the open one."
    )
    keep: Annotated[int, Field(ge=1, le=8)] = Field(
        3, description="How many newest, most frequent or shared values are features."
    )
    longest: Annotated[int, Field(ge=1, le=64)] = Field(
        32, description="Bytes that are kept of a text, in UTF-8."
    )
    half_life: str | None = Field(None, description="Of a decayed rate: the span in which an event halves.")
    key: Literal["user"] = Field("user", description="Of whom it tells.")
    missing: Literal["absent", "zero"] = Field(
        "absent", description="What models get for a number while there is none."
    )

    @field_validator("events", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    @field_validator("windows")
    @classmethod
    def _are_windows(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for window in value:
            if window not in {LIFETIME, SESSION}:
                tiling_of(window)
        if len(set(value)) < len(value):
            raise ValueError("names a window twice")
        return value

    @field_validator("half_life")
    @classmethod
    def _is_span(cls, value: str | None) -> str | None:
        if value is not None:
            seconds_of(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> FeatureDefinition:
        takes_value = self.aggregate not in WITHOUT_VALUE
        if takes_value and self.value is None and self.aggregate not in VALUE_OPTIONAL:
            raise ValueError(f"value: {self.aggregate} needs the property whose values it joins")
        if not takes_value and self.value is not None:
            raise ValueError(f"value: {self.aggregate} takes none: put conditions into where")
        if self.aggregate in OVER_ALL_TIME and self.windows != (LIFETIME,):
            raise ValueError(f"windows: {self.aggregate} is over all time: leave them out")
        if (self.aggregate == "decayed_rate") != (self.half_life is not None):
            needs = "needs one, such as 7d" if self.half_life is None else "is for decayed_rate alone"
            raise ValueError(f"half_life: {self.aggregate} {needs}")
        if self.missing == "zero" and self.aggregate not in NUMERIC:
            raise ValueError(f"missing: {self.aggregate} may be a text, for which zero stands for nothing")
        return self

    @property
    def series(self) -> tuple[Series, ...]:
        """The feature over each of its windows."""
        return tuple(
            Series(
                self.name if window == LIFETIME else f"{self.name}_{window}",
                window,
                None if window in {LIFETIME, SESSION} else tiling_of(window),
                self._version(window),
            )
            for window in self.windows
        )

    def _version(self, window: str) -> int:
        """32 bits that change with what is counted, and not with a name, a sentence or another window."""
        meaning = self.model_dump(
            include={"events", "aggregate", "value", "keep", "longest", "half_life"}, mode="json"
        )
        encoded = msgspec.json.encode([meaning, window], order="deterministic")
        return int.from_bytes(sha256(encoded).digest()[:4], "big")
