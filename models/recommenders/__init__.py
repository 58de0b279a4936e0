"""Session recommenders over one bounded index of closed sessions."""

from stream_app.models.recommenders.blend import Blend
from stream_app.models.recommenders.click_paths import NextClick
from stream_app.models.recommenders.explanation import Explanation
from stream_app.models.recommenders.index_limits import DecaySettings, Evictions, IndexLimits
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.types import ScoredItem, SessionRecommender

__all__ = [
    "Blend",
    "DecaySettings",
    "Evictions",
    "Explanation",
    "IndexLimits",
    "NextClick",
    "ScoredItem",
    "SessionIndex",
    "SessionRecommender",
]
