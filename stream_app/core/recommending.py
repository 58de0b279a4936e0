"""When a user gets recommendations, what the recommender may know, and which clicks belong to a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stream_app.features.statistics import most_common
from stream_app.features.user_row import MAX_SENT_ITEMS, MAX_SENT_LISTS, OpenSession, SentList, UserRow
from stream_app.intake import consent
from stream_app.learning.ports import Occasion
from stream_app.schemas.outputs import RecommendedItem
from stream_app.settings.rules import Rules


class ListClick(NamedTuple):
    """A click on an item of a list that was sent: its rank counts from 1, the delay is in seconds."""

    request_id: str
    item: str
    rank: int
    source: str
    propensity: float
    is_explored: bool
    delay: float


def is_due(row: UserRow, session: OpenSession, rules: Rules) -> bool:
    """Whether a session has new evidence, and the user's last list is old enough."""
    if row.is_bot or row.recommended_at + rules.recommend_interval > row.last_at:
        return False
    is_same_item = session.items[-1][1] == row.recommended_item
    return not (is_same_item and row.recommended_at >= session.started_at)


def may_personalise(row: UserRow, rules: Rules) -> bool:
    """Whether the user's history may be used."""
    return consent.is_agreed(row.consent, consent.PERSONALISATION, rules.default_consent)


def describe_occasion(
    user_key: str, row: UserRow, session_items: Sequence[str], at: float, seed: str, rules: Rules
) -> Occasion:
    """What the recommender may know: without consent only the current item, as for any visitor.

    Device and country are the row's most frequent ones.
    """
    if not may_personalise(row, rules):
        return Occasion(session_items[-1:], at, seed)
    in_session = set(session_items)
    return Occasion(
        session_items,
        at,
        seed,
        user=user_key,
        user_history=[item for item in row.recent_items if item not in in_session],
        device=most_common(row.devices),
        country=most_common(row.countries),
        bought=row.bought_items,
    )


def note_sent(row: UserRow, request_id: str, items: Sequence[RecommendedItem]) -> None:
    """Store what is needed to report a click on a list."""
    items = items[:MAX_SENT_ITEMS]
    sources: dict[str, int] = {}
    source_numbers = bytes([sources.setdefault(item.source, len(sources)) for item in items])
    sent = SentList(
        request_id,
        row.last_at,
        [item.item_id for item in items],
        list(sources),
        source_numbers,
        {rank: item.propensity for rank, item in enumerate(items, 1) if item.propensity != 1},
        [rank for rank, item in enumerate(items, 1) if item.is_explored],
    )
    row.sent_lists = [*row.sent_lists, sent][-MAX_SENT_LISTS:]


def claim_click(row: UserRow, session: OpenSession, item: str, at: float, rules: Rules) -> ListClick | None:
    """Return a view of an item as a click on the newest valid list that contains it; each place counts once.

    A click and the page that it opens are one view, so a repeated view is not a click.
    """
    if not row.sent_lists or (at, item) not in session.items:
        return None
    for sent in reversed(row.sent_lists):
        if not sent.at < at < sent.at + rules.recommend_validity or item not in sent.items:
            continue
        place = sent.items.index(item)
        sent.items[place] = ""
        return ListClick(
            sent.request_id,
            item,
            place + 1,
            sent.sources[sent.source_numbers[place]],
            sent.propensities.get(place + 1, 1.0),
            place + 1 in sent.explored,
            at - sent.at,
        )
    return None
