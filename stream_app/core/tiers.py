"""Engagement tiers: decided by a model or a rule, changed with hysteresis, renewed before they expire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from stream_app.core.outputs import request_envelope, time_of
from stream_app.core.score_requests import USAGE_FEATURE, ScoreRequest, is_rescored
from stream_app.features.reading import Features
from stream_app.intake import consent
from stream_app.learning.ports import Contribution, TierModel
from stream_app.schemas.outputs import EngagementTier, ModelStamp, Tier, TierReason
from stream_app.settings.rules import Rules

TIER_NAMES: Mapping[int, Tier] = {1: Tier.LOW, 2: Tier.MEDIUM, 3: Tier.HIGH}

USAGE_RULE = ModelStamp(name="usage_rule", version=1, examples_seen=0, status="ready")
USAGE_MEDIUM_SESSIONS = 3
USAGE_HIGH_SESSIONS = 10


def decide_tiers(
    requests: Sequence[ScoreRequest], model: TierModel, rules: Rules, now: datetime
) -> list[EngagementTier]:
    """Score all requests of a batch at once; a tier is sent when first known, when it changes, and again
    before its validity ends.

    Hysteresis: a change must be decided twice in a row, unless the model has changed.
    """
    if not requests:
        return []
    stamp = model.stamp()
    predictions = model.predict_tiers([request.features for request in requests])
    decisions: list[_Decision] = []
    for request, prediction in zip(requests, predictions, strict=True):
        row, tier, decided_by = request.row, prediction.label, stamp
        if not isinstance(tier, int):
            tier, decided_by = tier_by_usage(request.features), USAGE_RULE
        is_sure = tier == row.next_tier or is_rescored(request.moment)
        is_changed = row.tier == 0 or (tier != row.tier and is_sure)
        if is_changed or (tier == row.tier and request.at >= row.tier_until):
            row.tier_until = request.at + rules.tier_validity
            decisions.append(_Decision(request, tier, row.tier, prediction.probabilities, decided_by))
            row.tier = tier
        row.next_tier = tier
    by_model = [decision for decision in decisions if decision.decided_by is stamp]
    explained = model.explain_tiers(
        [decision.request.features for decision in by_model], [decision.tier for decision in by_model]
    )
    reasons = {id(decision): reasons for decision, reasons in zip(by_model, explained, strict=True)}
    return [_tier_output(decision, reasons.get(id(decision), ()), rules, now) for decision in decisions]


def tier_by_usage(features: Features) -> int:
    """The rule that decides until a model can: the number of finished sessions within 30 days."""
    recent_sessions = float(features.get(USAGE_FEATURE, 0))
    if recent_sessions >= USAGE_HIGH_SESSIONS:
        return 3
    return 2 if recent_sessions >= USAGE_MEDIUM_SESSIONS else 1


class _Decision(NamedTuple):
    request: ScoreRequest
    tier: int
    previous: int
    probabilities: Mapping[int | str, float]
    decided_by: ModelStamp


def _tier_output(
    decision: _Decision, reasons: Sequence[Contribution], rules: Rules, now: datetime
) -> EngagementTier:
    request = decision.request
    return EngagementTier(
        **request_envelope("engagement_tier", request, now),
        model=decision.decided_by,
        tier=decision.tier,
        tier_name=TIER_NAMES[decision.tier],
        previous_tier=decision.previous or None,
        probabilities={str(name): share for name, share in decision.probabilities.items()},
        valid_until=time_of(request.at + rules.tier_validity),
        reasons=[
            TierReason(feature=reason.feature, value=reason.value, contribution=reason.contribution)
            for reason in reasons
        ],
        consent=consent.agreed_purposes(request.consent, rules.default_consent),
        control_group=request.control_group or None,
    )
