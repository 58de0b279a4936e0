"""Removes placeholder ids from an event, so that they never merge two people, visits or items."""

from __future__ import annotations

from typing import Any

from stream_app.intake.properties import ITEM_FIELDS, products_of
from stream_app.intake.wire import (
    AliasCall,
    Event,
    GroupCall,
    LabelCall,
    PageCall,
    ScreenCall,
    SessionCall,
    TrackCall,
)
from stream_app.settings.placeholder_ids import PlaceholderIds

Names = tuple[str, ...]
_NONE: Names = ()


def drop_placeholders(event: Event, ids: PlaceholderIds) -> Names:
    """Remove placeholder ids from an event; return the fields that had any.

    Fields that the event needs (`previousId`, `groupId`) are returned but kept: the caller must refuse the
    event.
    """
    dropped: list[str] = []
    may_be, nobody, nothing = ids.may_be_one, ids.stands_for_nobody, ids.stands_for_nothing
    if event.user_id and may_be(event.user_id) and nobody(event.user_id):
        event.user_id = None
        dropped.append("userId")
    if event.anonymous_id and may_be(event.anonymous_id) and nobody(event.anonymous_id):
        event.anonymous_id = None
        dropped.append("anonymousId")
    if event.message_id is not None and may_be(event.message_id) and nothing(event.message_id):
        event.message_id = None
        dropped.append("messageId")
    context = event.context
    if context is not None and context.session_id is not None:
        session_id = str(context.session_id)
        if may_be(session_id) and nothing(session_id):
            context.session_id = None
            dropped.append("sessionId")
    dropped += _drop_own(event, ids)
    return tuple(dropped) if dropped else _NONE


def required_among(dropped: Names) -> str | None:
    """The first of the dropped fields without which an event cannot be used."""
    return next((name for name in dropped if name in ("previousId", "groupId")), None)


def _drop_own(event: Event, ids: PlaceholderIds) -> Names:
    """Handle fields that only one type of event has."""
    if type(event) is PageCall or type(event) is TrackCall or type(event) is ScreenCall:
        return _drop_items(event.properties, ids) if event.properties else _NONE
    if isinstance(event, AliasCall):
        return ("previousId",) if ids.stands_for_nobody(event.previous_id) else _NONE
    if isinstance(event, GroupCall):
        return ("groupId",) if ids.stands_for_nothing(event.group_id) else _NONE
    if isinstance(event, SessionCall):
        return _drop_of_summary(event, ids)
    if isinstance(event, LabelCall):
        item = event.properties.item_id
        if item is None or not ids.stands_for_no_item(item):
            return _NONE
        event.properties.item_id = None
        return ("itemId",)
    return _NONE


def _drop_of_summary(event: SessionCall, ids: PlaceholderIds) -> Names:
    dropped: list[str] = []
    summary = event.properties
    if summary.session_id is not None and ids.stands_for_nothing(summary.session_id):
        summary.session_id = None
        dropped.append("sessionId")
    kept = [item for item in summary.items if not ids.stands_for_no_item(item)]
    if len(kept) < len(summary.items):
        dropped += ["itemId"] * (len(summary.items) - len(kept))
        summary.items = kept
    return tuple(dropped)


def _drop_items(properties: dict[str, Any], ids: PlaceholderIds) -> Names:
    dropped = _drop_item(properties, ids)
    if "products" in properties:
        for product in products_of(properties):
            dropped += _drop_item(product, ids)
    return dropped


def _drop_item(described: Any, ids: PlaceholderIds) -> Names:
    dropped = _NONE
    for name in ITEM_FIELDS:
        value = described.get(name)
        if value is None or isinstance(value, bool):
            continue
        if (
            isinstance(value, str | int)
            and ids.may_be_one(text := str(value))
            and ids.stands_for_no_item(text)
        ):
            del described[name]
            dropped += ("itemId",)
    return dropped
