"""A user's interests: decayed affinity to categories, brands, tags, search terms and site fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from stream_app.intake import properties
from stream_app.intake.personal_text import is_personal
from stream_app.settings.rules import DAY

HALF_LIFE = 14 * DAY
MAX_NAMES = 8
MAX_NAME_LENGTH = 64
# 2 ** 64 half-lives from the landmark: sums stay well within a float's range.
_MAX_AGE = 64 * HALF_LIFE

FACETS = ("category", "brand", "tag", "search", "field")
CATEGORY, BRAND, TAG, SEARCH, FIELD = range(len(FACETS))


class Interests(msgspec.Struct, array_like=True):
    """The sums of weights as of the landmark, by facet (in the order of `FACETS`).

    A weight given at t counts 2 ** ((t - landmark) / half-life) at the landmark, so sums are comparable
    without updating each at every event. Source: Cormode et al. (2009), "Forward decay".
    """

    landmark: float = 0.0
    facets: list[dict[str, float]] = msgspec.field(default_factory=lambda: [{} for _ in FACETS])


class Reason(NamedTuple):
    """Why an item may interest a user: a name in a facet, and its share of the attention there."""

    facet: str
    name: str
    share: float


def add_interest(interests: Interests, facet: int, names: Iterable[str], weight: float, at: float) -> None:
    """Add a weight to names of a facet; beyond `MAX_NAMES` a new one replaces the weakest."""
    age = at - interests.landmark
    if age <= -_MAX_AGE:
        return  # negligible after decay, compared with known weights
    if age >= _MAX_AGE:
        _move_landmark(interests, at)
        age = 0.0
    scaled = weight * 2.0 ** (age / HALF_LIFE)
    known = interests.facets[facet]
    for name in names:
        if not 0 < len(name) <= MAX_NAME_LENGTH:
            continue
        if name not in known:
            if is_personal(name):
                continue
            if len(known) >= MAX_NAMES:
                del known[min(known, key=lambda other: (known[other], other))]
        known[name] = known.get(name, 0.0) + scaled


def note_interest(interests: Interests, described: Mapping[str, Any], weight: float, at: float) -> None:
    """Add a weight to an item's category, brand and tags."""
    category, brand = described.get("category"), described.get("brand")
    if isinstance(category, str):
        add_interest(interests, CATEGORY, (category,), weight, at)
    if isinstance(brand, str):
        add_interest(interests, BRAND, (brand,), weight, at)
    if "tags" in described:
        add_interest(interests, TAG, properties.tags_of(described), weight, at)


def affinities(interests: Interests, facet: int, at: float) -> dict[str, float]:
    """The decayed weights of a facet at event time `at`, strongest first."""
    scale = 0.5 ** ((at - interests.landmark) / HALF_LIFE)
    known = interests.facets[facet]
    return {name: known[name] * scale for name in sorted(known, key=lambda name: (-known[name], name))}


def strongest_interest(interests: Interests, facet: int, at: float) -> tuple[str, float] | None:
    """The name with the highest decayed weight at event time `at`, ties by name; None if there is none."""
    known = interests.facets[facet]
    if not known:
        return None
    highest = max(known.values())
    name = min([name for name, weight in known.items() if weight == highest])
    return name, highest * 0.5 ** ((at - interests.landmark) / HALF_LIFE)


def merge_interests(interests: Interests, other: Interests) -> None:
    """Add another user's interests."""
    for facet, known in enumerate(other.facets):
        for name, weight in known.items():
            add_interest(interests, facet, (name,), weight, other.landmark)


def interest_in(
    interests: Interests, described: Mapping[str, Iterable[str]], at: float
) -> tuple[float, list[Reason]]:
    """How much an unseen item should interest the user, 0 to 1, and why, strongest first.

    `described` has the item's names by facet. The score combines each name's share of the user's decayed
    attention: 1 - prod(1 - share). Frequency is in the sums, recency in their decay. One view of something
    unknown is added to each facet's attention, because a single view is not certain.
    """
    reasons: list[Reason] = []
    missed = 1.0
    for facet, facet_name in enumerate(FACETS):
        known = affinities(interests, facet, at)
        attention = sum(known.values()) + 1.0
        for name in described.get(facet_name, ()):
            if name in known:
                share = known[name] / attention
                missed *= 1.0 - share
                reasons.append(Reason(facet_name, name, share))
    return 1.0 - missed, sorted(reasons, key=lambda reason: (-reason.share, reason.facet, reason.name))


def _move_landmark(interests: Interests, landmark: float) -> None:
    scale = 0.5 ** min((landmark - interests.landmark) / HALF_LIFE, 1000.0)
    for known in interests.facets:
        for name in known:
            known[name] *= scale
    interests.landmark = landmark
