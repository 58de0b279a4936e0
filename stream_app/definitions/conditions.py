"""Conditions over one user: what they are and did, joined by all, any, not; sequences and silences."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from stream_app.definitions.events import NOTHING_SAID, ComparisonFields, EventMatch
from stream_app.definitions.spans import seconds_of

MOST_EVENTS = 10
MOST_STEPS = 5
MOST_PARTS = 16

_JOINING = ("all_", "any_", "not_")
_OF_STATE = ("feature", "trait", "chance")
KINDS = (*_JOINING, *_OF_STATE, "tier", "event", "sequence", "audience")


class Condition(ComparisonFields):
    """One condition; of the fields that name a kind, exactly one is written.

    Intervals are half-open: an event at `t` is within the last hour from `t` to before `t + 1h`.
    """

    all_: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=MOST_PARTS)] | None = Field(
        None, alias="all", description="Every one of these holds."
    )
    any_: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=MOST_PARTS)] | None = Field(
        None, alias="any", description="At least one of these holds."
    )
    not_: Condition | None = Field(None, alias="not", description="This does not hold.")
    feature: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        None, description="A feature, with a comparison."
    )
    trait: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="What the company says of the user, with a comparison."
    )
    chance: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="The chance last foreseen of a target, with a comparison."
    )
    tier: Annotated[tuple[Annotated[int, Field(ge=1, le=3)], ...], Field(min_length=1)] | None = Field(
        None, description="The tier is one of these: 1 low, 2 medium, 3 high."
    )
    event: EventMatch | None = Field(None, description="Such events came: times, within, without, lasting.")
    times: Annotated[int, Field(ge=1, le=MOST_EVENTS)] | None = Field(
        None, description="Of event: at least so many (1)."
    )
    within: str | None = Field(
        None, description="Of event: in the last so long. Of sequence: from its first to its last step."
    )
    without: EventMatch | None = Field(None, description="Of event: since it, none of these came.")
    lasting: str | None = Field(None, description="Of event without: for so long at least.")
    sequence: Annotated[tuple[EventMatch, ...], Field(min_length=2, max_length=MOST_STEPS)] | None = Field(
        None, description="Events in this order, others between them."
    )
    then: str | None = Field(
        None, description="Of sequence: how long it holds once complete; none: for ever."
    )
    audience: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="The user is in another audience."
    )

    @field_validator("within", "lasting", "then")
    @classmethod
    def _is_span(cls, value: str | None) -> str | None:
        if value is not None:
            seconds_of(value)
        return value

    @model_validator(mode="after")
    def _is_one(self) -> Condition:
        kinds = [name for name in KINDS if getattr(self, name) is not None]
        if len(kinds) != 1:
            written = " and ".join(name.rstrip("_") for name in kinds) or "none"
            every = ", ".join(name.rstrip("_") for name in KINDS)
            raise ValueError(f"write exactly one of {every}; here is {written}")
        [kind] = kinds
        if self.compares != (kind in _OF_STATE):
            raise ValueError(
                NOTHING_SAID if kind in _OF_STATE else f"{kind.rstrip('_')}: takes no comparison"
            )
        if (self.without is None) != (self.lasting is None):
            raise ValueError("lasting: without and lasting go together: no such event for so long")
        self._refuse_foreign(kind)
        return self

    def _refuse_foreign(self, kind: str) -> None:
        """Refuse fields that belong to another kind."""
        allowed = {
            "event": {"without", "lasting"} if self.without is not None else {"times", "within"},
            "sequence": {"within", "then"},
        }.get(kind, set())
        for name in ("times", "within", "without", "lasting", "then"):
            if getattr(self, name) is not None and name not in allowed:
                raise ValueError(f"{name}: does not go with {kind.rstrip('_')}")
