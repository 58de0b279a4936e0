"""Sessions as they can be read off a simulation's events: pages of items, without the hidden truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

SESSION_GAP = 1_800.0
PAGES = frozenset({"page", "screen"})


class BrowsedSession(NamedTuple):
    """Items in the order in which somebody opened their pages; `times` (epoch seconds) stand beside them."""

    visitor: str
    items: list[str]
    times: list[float]
    device: str | None
    country: str | None


def read_sessions(events_path: Path) -> list[BrowsedSession]:
    """Return the sessions of an `events.jsonl` in the order in which they end.

    A session ends where its visitor opens no item's page for half an hour. A visitor is a user or, before
    the tracker knows one, an anonymous id. Raises OSError if the file cannot be read.
    """
    ended: list[BrowsedSession] = []
    open_sessions: dict[str, BrowsedSession] = {}
    for at, visitor, item, context in sorted(_read_views(events_path), key=lambda view: view[0]):
        session = open_sessions.get(visitor)
        if session is None or at - session.times[-1] > SESSION_GAP:
            if session is not None:
                ended.append(session)
            device = context.get("device", {}).get("type")
            country = context.get("location", {}).get("country")
            session = open_sessions[visitor] = BrowsedSession(visitor, [], [], device, country)
        session.items.append(item)
        session.times.append(at)
    return sorted([*ended, *open_sessions.values()], key=lambda session: (session.times[-1], session.visitor))


def _read_views(events_path: Path) -> Iterator[tuple[float, str, str, dict[str, Any]]]:
    """Yield time, visitor, item and context of each page of an item, each message once."""
    seen: set[str] = set()
    with events_path.open("rb") as lines:
        for line in lines:
            event = orjson.loads(line)
            item = event.get("properties", {}).get("product_id")
            if event["type"] not in PAGES or item is None or event["messageId"] in seen:
                continue
            seen.add(event["messageId"])
            visitor = event.get("userId") or event["anonymousId"]
            yield datetime.fromisoformat(event["timestamp"]).timestamp(), visitor, item, event["context"]
