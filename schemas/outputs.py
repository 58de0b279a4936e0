"""Every output, by one name: decisions, observations, failed events and erasures, in one envelope."""

from __future__ import annotations

from stream_app.schemas.decisions import (
    ClusterTrait,
    ContentScore,
    EngagementTier,
    OutcomeChance,
    Outlook,
    Recommendations,
    RecommendedItem,
    Tier,
    TierReason,
    UserCluster,
)
from stream_app.schemas.erasures import ModelErasure, PrivacyReceipt, StoreErasure, Unlearning, UserErased
from stream_app.schemas.failures import (
    KEPT_KEY_BYTES,
    KEPT_ORIGINAL_BYTES,
    CutBytes,
    FailedEvent,
    FailureReason,
)
from stream_app.schemas.observations import (
    AudienceChange,
    ClosedSession,
    ExploredPlace,
    ItemFacts,
    ItemOutcome,
    ItemOutcomes,
    LabelValue,
    RecommendationClick,
    TrainingExample,
)
from stream_app.schemas.output_model import Addressed, Envelope, ModelStamp, OutputModel, SourcePosition

Output = (
    EngagementTier
    | Outlook
    | Recommendations
    | RecommendationClick
    | AudienceChange
    | ExploredPlace
    | ClosedSession
    | TrainingExample
    | ItemOutcomes
    | ContentScore
    | FailedEvent
    | UserErased
    | Unlearning
    | PrivacyReceipt
)

__all__ = [
    "KEPT_KEY_BYTES",
    "KEPT_ORIGINAL_BYTES",
    "Addressed",
    "AudienceChange",
    "ClosedSession",
    "ClusterTrait",
    "ContentScore",
    "CutBytes",
    "EngagementTier",
    "Envelope",
    "ExploredPlace",
    "FailedEvent",
    "FailureReason",
    "ItemFacts",
    "ItemOutcome",
    "ItemOutcomes",
    "LabelValue",
    "ModelErasure",
    "ModelStamp",
    "OutcomeChance",
    "Outlook",
    "Output",
    "OutputModel",
    "PrivacyReceipt",
    "RecommendationClick",
    "Recommendations",
    "RecommendedItem",
    "SourcePosition",
    "StoreErasure",
    "Tier",
    "TierReason",
    "TrainingExample",
    "Unlearning",
    "UserCluster",
    "UserErased",
]
