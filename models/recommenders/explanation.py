"""Why an item is recommended: each source's part in its score, and the click that leads to it."""

from typing import NamedTuple

import numpy as np

from stream_app.models.recommenders.sequential_rules import SequentialRules
from stream_app.models.recommenders.session_view import SessionView
from stream_app.models.recommenders.types import ScoredItem


class Explanation(NamedTuple):
    """The shares of an item's score by source sum to 1.

    `after` is the session's item with the strongest rule to the recommended one; None if there is no rule.
    """

    item: ScoredItem
    source_shares: dict[str, float]
    after: str | None


def leading_items(rules: SequentialRules, view: SessionView, numbers: list[int]) -> list[str | None]:
    """Return, for each of the items by number, the item of the session with the strongest rule to it."""
    strongest: dict[int, tuple[float, int]] = {}
    session = view.latest_distinct(len(view.items))
    for start in session:
        found = rules.reached(view, [start], np.ones(1))
        for item, score in zip(found.items.tolist(), found.scores.tolist(), strict=True):
            if score > strongest.get(item, (0.0, 0))[0]:
                strongest[item] = score, start
    ids = view.index.item_ids
    return [ids[strongest[number][1]] if number in strongest else None for number in numbers]
