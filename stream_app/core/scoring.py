"""From probabilities and ranked items to decisions: tiers with hysteresis, recommendations with expiry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from schemas.outputs import (
    EngagementTier,
    ModelStamp,
    Recommendations,
    RecommendedItem,
    SourcePosition,
    Tier,
)
from stream_app.core.features import Features
from stream_app.core.identifiers import output_id
from stream_app.core.rules import Rules
from stream_app.core.user_row import UserRow
from stream_app.ports import ScoredItem, TierModel

TIER_NAMES: Mapping[int, Tier] = {1: Tier.LOW, 2: Tier.MEDIUM, 3: Tier.HIGH}

USAGE_RULE = ModelStamp(name="usage_rule", version=1, examples_seen=0, status="ready")
USAGE_MEDIUM_SESSIONS = 3
USAGE_HIGH_SESSIONS = 10
USAGE_FEATURE = "sessions_30d"


class ScoreRequest(NamedTuple):
    """A row to be scored with features as they stood at `at`; `moment` says why, for the output's id."""

    user_key: str
    row: UserRow
    features: Features
    at: float
    source: SourcePosition
    moment: str


def decide_tiers(requests: Sequence[ScoreRequest], model: TierModel, now: datetime) -> list[EngagementTier]:
    """Score all requests of a batch at once; a tier is sent when it is first known and when it changes.

    Hysteresis: a change must be decided twice in a row.
    """
    if not requests:
        return []
    stamp = model.stamp()
    predictions = model.predict_tiers([request.features for request in requests])
    decided: list[EngagementTier] = []
    for request, prediction in zip(requests, predictions, strict=True):
        row, tier, decided_by = request.row, prediction.label, stamp
        if not isinstance(tier, int):
            tier, decided_by = tier_by_usage(request.features), USAGE_RULE
        if row.tier == 0 or (tier != row.tier and tier == row.next_tier):
            decided.append(_tier_output(request, tier, prediction.probabilities, decided_by, now))
            row.tier = tier
        row.next_tier = tier
    return decided


def tier_by_usage(features: Features) -> int:
    """The rule that answers while no model can: finished sessions within 30 days."""
    recent_sessions = float(features.get(USAGE_FEATURE, 0))
    if recent_sessions >= USAGE_HIGH_SESSIONS:
        return 3
    return 2 if recent_sessions >= USAGE_MEDIUM_SESSIONS else 1


def build_recommendations(
    user_key: str,
    items: Sequence[ScoredItem],
    stamp: ModelStamp,
    at: float,
    source: SourcePosition,
    rules: Rules,
    now: datetime,
) -> Recommendations:
    """One emission for one user, as of event time `at`."""
    cause = output_id("recommendations", source)
    return Recommendations(
        id=cause,
        request_id=cause,
        user_key=user_key,
        as_of=datetime.fromtimestamp(at, UTC),
        emitted_at=now,
        source=source,
        model=stamp,
        items=[RecommendedItem(item_id=item.item_id, score=item.score, source=item.source) for item in items],
        expires_at=datetime.fromtimestamp(at + rules.recommend_validity, UTC),
    )


def _tier_output(
    request: ScoreRequest,
    tier: int,
    probabilities: Mapping[int | str, float],
    stamp: ModelStamp,
    now: datetime,
) -> EngagementTier:
    return EngagementTier(
        id=output_id("engagement_tier", request.source, request.moment),
        user_key=request.user_key,
        as_of=datetime.fromtimestamp(request.at, UTC),
        emitted_at=now,
        source=request.source,
        model=stamp,
        tier=tier,
        tier_name=TIER_NAMES[tier],
        previous_tier=request.row.tier or None,
        probabilities={str(name): share for name, share in probabilities.items()},
    )
