"""Which items a user started, and whether they completed them: open starts until their horizon has passed.

A start counts once for a user and an item until the horizon has passed; it is completed if the item is
completed within the horizon. Nothing is reported before the horizon is over: otherwise users who complete an
item would be counted earlier than those who never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

from stream_app.features.times import Times
from stream_app.features.user_row import ItemStart, UserRow
from stream_app.intake import properties
from stream_app.intake.personal_text import is_personal
from stream_app.intake.wire import PageCall, ScreenCall, TrackCall
from stream_app.settings.rules import DAY, Rules

PAGE = "page"  # in the names of starting events: an opened page or screen
MAX_ITEM_STARTS = 12
GATHERED_FOR = DAY  # outcomes of a day's starts are sent in one message


class StartOutcome(NamedTuple):
    """The outcome of one start. `uses` counts the item's starting events until the horizon."""

    item: str
    started_at: float
    is_completed: bool
    uses: int
    has_returned: bool


def starts_or_completes(action: str | None, rules: Rules) -> bool:
    """Whether an action (None: a page or screen view) starts or completes items."""
    return (action or PAGE) in rules.content_starts or action in rules.content_completions


def note_event(
    row: UserRow, event: PageCall | ScreenCall | TrackCall, action: str | None, at: float, rules: Rules
) -> bool:
    """Note an action (None: a page or screen view) that starts or completes items; return whether it did."""
    if action is None:
        item = _page_item(event)
        if item is not None:
            _note_start(row, item, at, rules, is_page=True)
        return item is not None
    item = properties.item_id(event.properties)
    if action in rules.content_starts:
        if item is not None:
            _note_start(row, item, at, rules)
        return item is not None
    items = _items_of(item, event.properties)
    for completed in items:
        _note_completion(row, completed, at, rules)
    return bool(items)


def note_reading(row: UserRow, at: float, rules: Rules) -> None:
    """Record a use at event time `at`: a page counts as read if its visit continues for long enough."""
    for start in row.item_starts:
        if start.is_page and rules.content_read_after <= at - start.started_at <= rules.session_gap:
            start.completed_at = start.completed_at or at


def pop_due(row: UserRow, watermark: float, rules: Rules) -> list[StartOutcome]:
    """Remove the starts whose horizon the watermark has passed, and return their outcomes in order."""
    due_at = next_due(row, rules)
    if due_at is None or due_at > watermark:
        return []
    due = [start for start in row.item_starts if _known_at(start) + rules.content_horizon <= watermark]
    row.item_starts = [start for start in row.item_starts if start not in due]
    due.sort(key=lambda start: (start.started_at, start.item))
    return [
        StartOutcome(
            start.item, start.started_at, _is_completed(start, rules), start.uses, start.has_returned
        )
        for start in due
        if start.started_at
    ]


def first_start(row: UserRow) -> float | None:
    """The time of the first open start; None if there is none."""
    return min(map(_known_at, row.item_starts)) if row.item_starts else None


def next_due(row: UserRow, rules: Rules) -> float | None:
    """The watermark at which outcomes are due; None if there are no open starts."""
    first = first_start(row)
    return None if first is None else due_after(first, rules)


def due_after(started_at: Times, rules: Rules) -> Times:
    """The latest watermark at which the outcome of a start is sent."""
    return started_at + rules.content_horizon + GATHERED_FOR


def merge(row: UserRow, other: UserRow, rules: Rules) -> None:
    """Merge the open starts of another row of the same user; starts of the same item become one."""
    for start in other.item_starts:
        known = _find(row, start.item, _known_at(start), rules.content_horizon, rules)
        if known is None:
            row.item_starts.append(start)
            continue
        begun = [at for at in (known.started_at, start.started_at) if at]
        known.has_returned = known.has_returned or start.has_returned or _are_days_apart(begun)
        known.started_at = min(begun, default=0.0)
        known.completed_at = max(known.completed_at, start.completed_at)
        known.uses += start.uses
        known.is_page = known.is_page and start.is_page
    while len(row.item_starts) > MAX_ITEM_STARTS:
        _drop_one(row)


def _note_start(row: UserRow, item: str, at: float, rules: Rules, is_page: bool = False) -> None:
    known = _find(row, item, at, rules.allowed_lateness, rules)
    if known is None:
        row.item_starts.append(ItemStart(item, started_at=at, uses=1, is_page=is_page))
        if len(row.item_starts) > MAX_ITEM_STARTS:
            _drop_one(row)
        return
    if known.is_page and not is_page:  # it was only opened before, and is really started now
        known.is_page, known.completed_at = False, 0.0
    known.uses += 1
    known.has_returned = known.has_returned or _are_days_apart([known.started_at or at, at])
    known.started_at = min(known.started_at or at, at)


def _note_completion(row: UserRow, item: str, at: float, rules: Rules) -> None:
    known = _find(row, item, at, rules.allowed_lateness, rules)
    if known is None:
        # Its start may still arrive; without one it has no effect.
        row.item_starts.append(ItemStart(item, completed_at=at))
        if len(row.item_starts) > MAX_ITEM_STARTS:
            _drop_one(row)
    elif not known.started_at or known.completed_at < known.started_at:
        known.completed_at = max(known.completed_at, at)


def _find(row: UserRow, item: str, at: float, lateness: float, rules: Rules) -> ItemStart | None:
    """The open start that an event at `at` belongs to; the event may be up to `lateness` earlier."""
    for start in row.item_starts:
        if start.item == item:
            known_at = _known_at(start)
            if known_at - lateness <= at <= known_at + rules.content_horizon:
                return start
    return None


def _drop_one(row: UserRow) -> None:
    """Drop one start chosen by a hash, so that the kept ones are a fair sample regardless of outcome."""
    salt = crc32(repr(row.first_at).encode())

    def dispensable(start: ItemStart) -> tuple[bool, int, float]:
        return not start.started_at, crc32(start.item.encode(), salt), start.started_at

    row.item_starts.remove(max(row.item_starts, key=dispensable))


def _known_at(start: ItemStart) -> float:
    return start.started_at or start.completed_at


def _is_completed(start: ItemStart, rules: Rules) -> bool:
    return start.started_at <= start.completed_at <= start.started_at + rules.content_horizon


def _are_days_apart(times: list[float]) -> bool:
    return bool(times) and max(times) // DAY > min(times) // DAY


def _items_of(item: str | None, described: Mapping[str, Any]) -> list[str]:
    """The item named in a completion, or those of its order."""
    if item is not None:
        return [item]
    named = map(properties.item_id, properties.products_of(described))
    return list(dict.fromkeys(product for product in named if product is not None))


def _page_item(event: PageCall | ScreenCall | TrackCall) -> str | None:
    """The item shown on a page, else the page itself."""
    item = properties.item_id(event.properties)
    if item is not None:
        return item
    page = properties.page_of(event)
    fits = page is not None and 0 < len(page) <= properties.MAX_ITEM_LENGTH and not is_personal(page)
    return page if fits else None
