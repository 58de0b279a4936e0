"""An event as a plain fact: when, of which type and name, with which values, whatever form it came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from stream_app.intake import observations, properties
from stream_app.intake.wire import (
    CallContext,
    Event,
    GroupCall,
    IdentifyCall,
    PageCall,
    ScreenCall,
    SessionCall,
    TrackCall,
)

CONTEXT = "context"
PAGE_PATH = "path"
ITEM = "item"
MAX_LISTED = properties.MAX_PRODUCTS


class Use:
    """What an event tells. `at` is its event time (epoch seconds), `name` that of an act, page or screen.

    `is_presence` says whether the user was there: views and acts, not what is observed of or done to them.
    """

    __slots__ = ("at", "context", "is_presence", "item", "name", "path", "properties", "type")

    def __init__(
        self,
        at: float,
        type: str,  # noqa: A002
        name: str | None = None,
        given: Mapping[str, Any] | None = None,
        *,
        context: CallContext | None = None,
        is_presence: bool = True,
    ) -> None:
        self.at = at
        self.type = type
        self.name = name
        self.properties = given or {}
        self.context = context
        self.is_presence = is_presence
        self.item: str | None = None
        self.path: str | None = None

    def values(self, path: str) -> Iterator[Any]:
        """The values of a property, of each member of a list; none where it is missing or null.

        `path` names a property, or leads into objects and lists by dots. `context.` begins what surrounds an
        event. `item` and `path` are what the product reads as such, unless there is a property of that name.
        """
        steps = _steps(path)
        if steps[0] == CONTEXT and self.context is not None and CONTEXT not in self.properties:
            yield from _values(self.context, steps[1:])
            return
        found = False
        for value in _values(self.properties, steps):
            found = True
            yield value
        if not found:
            told = self.item if path == ITEM else self.path if path == PAGE_PATH else None
            if told is not None:
                yield told

    def value(self, path: str) -> Any:
        """The first value of a property; None where there is none."""
        return next(self.values(path), None)


def use_of(event: Event, at: float) -> Use | None:
    """The fact that an event is; None for labels and aliases, which tell of no use."""
    if isinstance(event, PageCall | ScreenCall | TrackCall):
        is_act = isinstance(event, TrackCall)
        name = event.event if isinstance(event, TrackCall) else event.name
        shown = not is_act or (
            name not in properties.PASSIVE_EVENTS and observations.name_of(name or "") is None
        )
        use = Use(at, event.type, name, event.properties, context=event.context, is_presence=shown)
        use.item, use.path = properties.item_id(event.properties), properties.page_of(event)
        return use
    if isinstance(event, IdentifyCall | GroupCall):
        return Use(at, event.type, None, event.traits, context=event.context, is_presence=False)
    if isinstance(event, SessionCall):
        totals: dict[str, Any] = msgspec.to_builtins(event.properties)
        return Use(at, event.type, None, totals, context=event.context, is_presence=False)
    return None


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _values(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    for place, step in enumerate(steps):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, msgspec.Struct):
            value = getattr(value, _field_of(type(value)).get(step, ""), None)
        elif isinstance(value, list):
            for member in value[:MAX_LISTED]:
                yield from _values(member, steps[place:])
            return
        else:
            return
    if isinstance(value, list):
        yield from (member for member in value[:MAX_LISTED] if member is not None)
    elif value is not None:
        yield value


@lru_cache(maxsize=64)
def _field_of(kind: type[msgspec.Struct]) -> dict[str, str]:
    """A struct's fields by their names on the wire."""
    return {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
