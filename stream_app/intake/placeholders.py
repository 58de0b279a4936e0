"""Removes placeholder ids from an event, so that they never merge two people, visits or items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stream_app.intake.properties import ITEM_FIELDS, products_of
from stream_app.intake.wire import AliasCall, Event, GroupCall, LabelCall, SessionCall
from stream_app.settings.placeholder_ids import PlaceholderIds

Names = tuple[str, ...]
Says = Callable[[str], bool]
_NONE: Names = ()


def drop_placeholders(event: Event, ids: PlaceholderIds) -> Names:
    """Remove placeholder ids from an event; return the fields that had any.

    Fields that the event needs (`previousId`, `groupId`) are returned but kept: the caller must refuse the
    event.
    """
    dropped: list[str] = []
    nobody, nothing, no_item = ids.stands_for_nobody, ids.stands_for_nothing, ids.stands_for_no_item
    if event.user_id and nobody(event.user_id):
        event.user_id = None
        dropped.append("userId")
    if event.anonymous_id and nobody(event.anonymous_id):
        event.anonymous_id = None
        dropped.append("anonymousId")
    if event.message_id is not None and nothing(event.message_id):
        event.message_id = None
        dropped.append("messageId")
    context = event.context
    if context is not None and context.session_id is not None and nothing(str(context.session_id)):
        context.session_id = None
        dropped.append("sessionId")
    dropped += _drop_own(event, nobody, nothing, no_item)
    return tuple(dropped) if dropped else _NONE


def required_among(dropped: Names) -> str | None:
    """The first of the dropped fields without which an event cannot be used."""
    return next((name for name in dropped if name in ("previousId", "groupId")), None)


def _drop_own(event: Event, nobody: Says, nothing: Says, no_item: Says) -> Names:
    """Handle fields that only one type of event has."""
    if isinstance(event, AliasCall):
        return ("previousId",) if nobody(event.previous_id) else _NONE
    if isinstance(event, GroupCall):
        return ("groupId",) if nothing(event.group_id) else _NONE
    if isinstance(event, SessionCall):
        return _drop_of_summary(event, nothing, no_item)
    if isinstance(event, LabelCall):
        item = event.properties.item_id
        if item is None or not no_item(item):
            return _NONE
        event.properties.item_id = None
        return ("itemId",)
    properties = getattr(event, "properties", None)
    return _drop_items(properties, no_item) if properties else _NONE


def _drop_of_summary(event: SessionCall, nothing: Says, no_item: Says) -> Names:
    dropped: list[str] = []
    summary = event.properties
    if summary.session_id is not None and nothing(summary.session_id):
        summary.session_id = None
        dropped.append("sessionId")
    kept = [item for item in summary.items if not no_item(item)]
    if len(kept) < len(summary.items):
        dropped += ["itemId"] * (len(summary.items) - len(kept))
        summary.items = kept
    return tuple(dropped)


def _drop_items(properties: dict[str, Any], no_item: Says) -> Names:
    dropped = _drop_item(properties, no_item)
    if "products" in properties:
        for product in products_of(properties):
            dropped += _drop_item(product, no_item)
    return dropped


def _drop_item(described: Any, no_item: Says) -> Names:
    dropped = _NONE
    for name in ITEM_FIELDS:
        value = described.get(name)
        if value is None:
            continue
        if isinstance(value, bool):
            continue
        if isinstance(value, str | int) and no_item(str(value)):
            del described[name]
            dropped += ("itemId",)
    return dropped
