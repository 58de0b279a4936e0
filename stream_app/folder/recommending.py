"""What recommendations rest on: the items that they follow, and the evidence for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stream_app.core.reasons import why_recommended
from stream_app.features.user_row import UserRow
from stream_app.learning.ports import Occasion
from stream_app.models.recommenders import Blend
from stream_app.schemas.outputs import RecommendedItem

MOST_EXPLAINED = 100


class Explained(NamedTuple):
    """An item with its level; what the blend says for it, if that is its level."""

    item: RecommendedItem
    level: str
    source_shares: dict[str, float]
    after: str | None

    @property
    def why(self) -> str:
        """Why it is recommended, in words."""
        return why_recommended(self.item.source)


def explain_list(blend: Blend, occasion: Occasion, shown: Sequence[RecommendedItem]) -> list[Explained]:
    """The items of a list with the evidence for each."""
    evidence = {
        explanation.item.item_id: explanation
        for explanation in blend.explain(occasion.session_items, MOST_EXPLAINED)
    }
    sources = {source.name for source in blend.sources}
    found: list[Explained] = []
    for item in shown:
        explained = evidence.get(item.item_id)
        if item.source in sources and explained is not None:
            found.append(Explained(item, blend.name, explained.source_shares, explained.after))
        else:
            found.append(Explained(item, item.source, {item.source: 1.0}, None))
    return found


def latest_session_items(row: UserRow) -> list[str]:
    """The items of the open session that last had one."""
    sessions = [session.items for session in row.open_sessions if session.items]
    return [item for _, item in max(sessions, key=lambda items: items[-1][0])] if sessions else []


def note_on(blend: Blend, session_items: Sequence[str]) -> str | None:
    """What a list rests on where its session says little."""
    if not session_items:
        return "Nothing is known to go by: these are the most popular items of late."
    known = blend.index.numbers_of(session_items)
    if not known:
        return "None of these items was seen before: these are the most popular items of late."
    unknown = len(session_items) - len(known)
    return f"{unknown} of these items not seen before are left aside." if unknown else None
