"""Which events are meant: by type, name and conditions on properties."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

EventType = Literal["page", "screen", "track", "identify", "group", "session"]
Scalar = bool | float | Annotated[str, Field(max_length=256)]
Path = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^.\s][^\s]*$")]
MAX_CONDITIONS = 8


class Definition(BaseModel):
    """A part of a definitions file: a field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ComparisonFields(Definition):
    """What a value is held against; all that is written must hold."""

    is_: Scalar | None = Field(None, alias="is", description="The value is this one.")
    is_not: Scalar | None = Field(None, description="The value is known, and not this one.")
    in_: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=64)] | None = Field(
        None, alias="in", description="The value is one of these."
    )
    at_least: float | None = Field(None, description="The value is a number and not below this.")
    at_most: float | None = Field(None, description="The value is a number and not above this.")
    above: float | None = Field(None, description="The value is a number above this.")
    below: float | None = Field(None, description="The value is a number below this.")
    exists: bool | None = Field(None, description="Whether there is a value.")

    @property
    def bounds(self) -> list[float]:
        """The numbers at which the answer may change."""
        given = (self.at_least, self.at_most, self.above, self.below)
        return [bound for bound in given if bound is not None]

    @property
    def compares(self) -> bool:
        """Whether anything is written."""
        return any(getattr(self, name) is not None for name in ComparisonFields.model_fields)


NOTHING_SAID = "says nothing: add one of is, is_not, in, at_least, at_most, above, below, exists"


class Comparison(ComparisonFields):
    """A comparison that says something."""

    @model_validator(mode="after")
    def _says_something(self) -> Comparison:
        if not self.compares:
            raise ValueError(NOTHING_SAID)
        return self


class PropertyCondition(Comparison):
    """A condition on one property of an event."""

    property: Path = Field(description="A property's name; `products.price` reads within, `context.` around.")


class EventMatch(Definition):
    """Events of a type, perhaps of a name, with properties that fulfil all conditions."""

    type: EventType = Field(description="The type of the call.")
    name: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None, description="The event's name, or that of the page or screen; none: any."
    )
    where: Annotated[tuple[PropertyCondition, ...], Field(max_length=MAX_CONDITIONS)] = Field(
        (), description="Conditions on properties, all of which must hold."
    )


def holds(comparison: ComparisonFields, value: Any) -> bool:
    """Whether a value (None for one that is missing) fulfils a comparison.

    Numbers, texts and truths are never equal to one another: `"1"`, `1` and `true` are three values.
    """
    if comparison.exists is not None and comparison.exists != (value is not None):
        return False
    if comparison.is_ is not None and not _same(value, comparison.is_):
        return False
    if comparison.is_not is not None and (value is None or _same(value, comparison.is_not)):
        return False
    if comparison.in_ is not None and not any(_same(value, other) for other in comparison.in_):
        return False
    return _is_within(comparison, value)


def _is_within(comparison: ComparisonFields, value: Any) -> bool:
    if not comparison.bounds:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (
        (comparison.at_least is None or value >= comparison.at_least)
        and (comparison.at_most is None or value <= comparison.at_most)
        and (comparison.above is None or value > comparison.above)
        and (comparison.below is None or value < comparison.below)
    )


def _same(value: Any, other: Scalar) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)
