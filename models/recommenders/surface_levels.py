"""The levels of a surface and their mixture: the blend, the user's history and taste, and the fallbacks.

Each level spreads one unit of expectation over items. Weights are learned per situation: how much is known
from the session and from the user's history.
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest
from typing import NamedTuple

import numpy as np

from stream_app.models.recommenders.blend import Blend
from stream_app.models.recommenders.catalogue_view import UNKNOWN, ItemFacts
from stream_app.models.recommenders.category_fallback import (
    CATEGORY_POPULARITY,
    CONTEXT_POPULARITY,
    CategoryFallback,
)
from stream_app.models.recommenders.context import NO_CONTEXT, Context
from stream_app.models.recommenders.factorisation import Factorisation
from stream_app.models.recommenders.source_weights import SourceWeights
from stream_app.models.recommenders.types import Scored, ScoredItem

BLEND = "blend"
USER_HISTORY = "user_history"
LEVELS = (BLEND, USER_HISTORY, Factorisation.name, CATEGORY_POPULARITY, CONTEXT_POPULARITY)
FALLBACKS = (CATEGORY_POPULARITY, CONTEXT_POPULARITY)
EMPTY, UNKNOWN_ITEM, KNOWN_ITEM = range(3)  # what is known from a session
# Initial weights, by what is known from the session.
PRIOR_WEIGHTS = (
    (0.20, 0.20, 0.10, 0.05, 0.45),
    (0.30, 0.10, 0.05, 0.45, 0.10),
    (0.90, 0.025, 0.025, 0.025, 0.025),
)
POOL = 60  # items requested from each level, and kept of their mixture
LEAST_WEIGHT = 0.1  # a level with less weight is not queried, because each query costs the same
MOST_LEANING = 5.0  # in natural logarithms of odds

LevelItems = dict[str, list[ScoredItem]]


def nothing_known(_item_id: str) -> ItemFacts:
    """Return no facts for any item."""
    return UNKNOWN


class Occasion(NamedTuple):
    """What a list is requested for: the open session and the user's history, each in click order.

    `facts` returns what is known about an item.
    """

    session_items: Sequence[str]
    user: str | None = None
    user_history: Sequence[str] = ()
    context: Context = NO_CONTEXT
    facts: Callable[[str], ItemFacts] = nothing_known


class SurfaceLevels:
    """Queries and mixes the levels. Factorisation, if on, also shifts all scores towards the user."""

    def __init__(self, blend: Blend, fallback: CategoryFallback, factorisation: Factorisation) -> None:
        self.weights = SourceWeights(2 * len(PRIOR_WEIGHTS), len(LEVELS))
        self.weights.proportions[:] = np.repeat(PRIOR_WEIGHTS, 2, axis=0)
        self._blend = blend
        self._fallback = fallback
        self._factorisation = factorisation
        self._worth_asking = tuple(
            [_worth_asking(situation, is_factorising) for situation in range(2 * len(PRIOR_WEIGHTS))]
            for is_factorising in (False, True)
        )

    def situation(self, occasion: Occasion) -> int:
        """Number a situation: the session is empty, ends with an unknown or a known item; any history."""
        user = occasion.user
        has_past = bool(occasion.user_history) or (user is not None and self._factorisation.knows(user))
        return 2 * self._session_evidence(occasion.session_items) + has_past

    def ask(self, occasion: Occasion, levels: Iterable[str]) -> LevelItems:
        """Return what each level expects, best first, without levels that have no answer."""
        found = {level: self._ask(level, occasion) for level in levels}
        return {level: items for level, items in found.items() if items}

    def weigh(self, occasion: Occasion, is_factorising: bool) -> dict[str, float]:
        """Return the weights in the occasion's situation, for the levels that are worth querying.

        After a known item the fallbacks are not: by likelihood they would get a share of the mixture, but
        they would displace what the blend knows from the first places.
        """
        situation = self.situation(occasion)
        proportions = self.weights.proportions[situation].tolist()
        asked = self._worth_asking[is_factorising][situation]
        return {
            level: proportions[place]
            for place, level in asked
            if proportions[place] >= LEAST_WEIGHT or level == BLEND
        }

    def expect(self, occasion: Occasion, is_factorising: bool) -> Iterable[Scored]:
        """Return at most `POOL` items of the mixture, best first; items are named lazily."""
        weights = self.weigh(occasion, is_factorising)
        if len(weights) > 1 or is_factorising:
            return self.mix(occasion, self.ask(occasion, weights), weights, is_factorising)
        ranking = self._blend.rank(occasion.session_items, POOL)
        return self._blend.name_items(ranking, of=sum(ranking.scores))

    def mix(
        self,
        occasion: Occasion,
        found: LevelItems,
        weights: dict[str, float],
        is_factorising: bool,
        most: int = POOL,
    ) -> list[ScoredItem]:
        """Return the best items by their shares of the mixture; each names its largest level."""
        scores: dict[str, float] = {}
        largest: dict[str, tuple[float, str]] = {}
        for level, weight in weights.items():
            for item, score, source in found.get(level, ()):
                part = weight * score
                known = scores.get(item)
                scores[item] = part if known is None else known + part
                if known is None or part > largest[item][0]:
                    largest[item] = part, source
        if is_factorising:
            scores = self._lean(scores, occasion)
        total = sum(scores.values()) or 1.0
        least = min(nlargest(most, scores.values()), default=0.0)
        ranked = sorted((-score, item) for item, score in scores.items() if score >= least)[:most]
        return [ScoredItem(item, -score / total, largest[item][1]) for score, item in ranked]

    def learn(self, occasion: Occasion, found: LevelItems, clicked: str) -> None:
        """Shift the situation's weights towards the levels that expected the click.

        A level without an answer keeps its weight, like a sleeping specialist (Freund, Schapire, Singer &
        Warmuth, STOC 1997): it is given the mean likelihood of the others.
        """
        situation = self.situation(occasion)
        expected = {
            level: next((score for item, score, _ in items if item == clicked), 0.0)
            for level, items in found.items()
        }
        proportions = dict(zip(LEVELS, self.weights.proportions[situation].tolist(), strict=True))
        heard = sum(proportions[level] for level in found)
        mean = sum(proportions[level] * score for level, score in expected.items()) / heard if heard else 0.0
        self.weights.learn(situation, [expected.get(level, mean) for level in LEVELS])

    def _ask(self, level: str, occasion: Occasion) -> list[ScoredItem]:
        if level == BLEND:
            return self._blend.recommend(occasion.session_items, POOL)
        if level == USER_HISTORY:
            found = self._blend.recommend(occasion.user_history, POOL) if occasion.user_history else []
            return [ScoredItem(item, score, USER_HISTORY) for item, score, _ in found]
        if level == CATEGORY_POPULARITY:
            return self._fallback.by_category(_categories(occasion))[:POOL]
        if level == CONTEXT_POPULARITY:
            return self._fallback.by_context(occasion.context)[:POOL]
        if occasion.user is None:
            return []
        return self._factorisation.recommend(occasion.user, POOL, user_features(occasion.context))

    def _lean(self, scores: dict[str, float], occasion: Occasion) -> dict[str, float]:
        """Multiply scores by the odds from the user's taste."""
        if occasion.user is None or not scores:
            return scores
        liking = self._factorisation.affinities(occasion.user, list(scores), user_features(occasion.context))
        if liking is None:
            return scores
        odds = np.exp(liking.clip(-MOST_LEANING, MOST_LEANING)).tolist()
        return {item: score * lean for (item, score), lean in zip(scores.items(), odds, strict=True)}

    def _session_evidence(self, session_items: Sequence[str]) -> int:
        if not session_items:
            return EMPTY
        return KNOWN_ITEM if session_items[-1] in self._blend.index.item_numbers else UNKNOWN_ITEM


def _worth_asking(situation: int, is_factorising: bool) -> list[tuple[int, str]]:
    left_out = set() if is_factorising else {Factorisation.name}
    if situation // 2 == KNOWN_ITEM:
        left_out.update(FALLBACKS)
    return [(place, level) for place, level in enumerate(LEVELS) if level not in left_out]


def user_features(context: Context) -> list[str]:
    """Return the side features of a user in a context."""
    named = (("device", context.device), ("country", context.country))
    return [f"{name}:{value}" for name, value in named if value is not None]


def _categories(occasion: Occasion) -> Iterable[str | None]:
    """Categories of the session's items, latest first, then of the user's history."""
    items = [*reversed(occasion.session_items), *reversed(occasion.user_history)]
    return (occasion.facts(item).category for item in items)
