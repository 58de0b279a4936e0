"""Session recommenders over one bounded index of closed sessions."""

from models.recommenders.blend import Blend
from models.recommenders.click_paths import NextClick
from models.recommenders.explanation import Explanation
from models.recommenders.index_limits import DecaySettings, Evictions, IndexLimits
from models.recommenders.session_index import SessionIndex
from models.recommenders.types import ScoredItem, SessionRecommender

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
