"""The two typed forms of an event, the contract's and the core's, as plain values that compare."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from stream_app.intake import wire
from stream_app.schemas import events


class Moment:
    """A time, equal to one a microsecond off: one reader rounds finer digits, the other cuts them."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moment) or (self.at.tzinfo is None) != (other.at.tzinfo is None):
            return False
        return abs(self.at - other.at) <= timedelta(microseconds=1)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self.at.isoformat()


def plain(event: events.ContractEvent | wire.Event) -> Any:
    """All fields by their names on the wire; each value with its type, for 1, 1.0 and true are equal."""
    if isinstance(event, msgspec.Struct):
        return _typed(msgspec.to_builtins(event, builtin_types=(datetime,)))
    return _typed(event.model_dump(by_alias=True))


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    if isinstance(value, datetime):
        return Moment(value)
    return type(value).__name__, repr(value)
