"""In words, why each source recommends an item."""

from __future__ import annotations

WHY_RECOMMENDED = {
    "session_history": "it was looked at in this visit",
    "user_history": "this user looked at it before",
    "sequential_rules": "others opened it soon after what was looked at last",
    "nearest_sessions": "visits like this one had it",
    "item_walk": "others' visits lead to it from the items of this one",
    "co_visitation": "it is often seen with the items of this visit",
    "markov": "others opened it right after the last item",
    "popularity": "it is popular now",
    "category_popularity": "it is popular among things of the kinds that were looked at",
    "context_popularity": "it is popular at such hours and on such devices",
    "factorisation": "people with a history like this one's liked it",
}


def why_recommended(source: str) -> str:
    """Why a source recommends an item; of an unknown one, that it does."""
    return WHY_RECOMMENDED.get(source, f"{source} found it")
