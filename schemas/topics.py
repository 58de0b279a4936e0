"""Every topic, declared once: its name, key, contract, partitions and retention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel

from schemas.outputs import (
    ClosedSession,
    EngagementTier,
    FailedEvent,
    Recommendations,
    TrainingExample,
)

DAY_SECONDS = 86_400
MEBIBYTE = 1_048_576


class Role(StrEnum):
    """Which way a topic faces."""

    INPUT = "input"
    OUTPUT = "output"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Topic:
    """One topic. `partitions` None: as many as users are spread over (a setting); else fixed.

    `contract` None: the values are events of the union in `schemas.events`, or bytes that
    `docs/contracts.md` describes. `retention` is in seconds; a compacted topic keeps the newest of each key.
    """

    name: str
    role: Role
    key: str
    contract: type[BaseModel] | None
    partitions: int | None
    retention: int | None
    compacted: bool = False
    max_message_bytes: int = MEBIBYTE
    description: str = ""

    def config(self, replication: int) -> Mapping[str, str]:
        """Broker-side settings of the topic, as Kafka names them."""
        settings = {"max.message.bytes": str(self.max_message_bytes)}
        if self.compacted:
            settings["cleanup.policy"] = "compact"
        else:
            settings["cleanup.policy"] = "delete"
            settings["retention.ms"] = str((self.retention or 7 * DAY_SECONDS) * 1000)
        if replication > 2:
            settings["min.insync.replicas"] = "2"
        return MappingProxyType(settings)


EVENTS = Topic(
    "clickstream.events.v1",
    Role.INPUT,
    key="user id, else anonymous id",
    contract=None,
    partitions=None,
    retention=7 * DAY_SECONDS,
    description="What trackers send: page, screen, track, identify, group, session and label events.",
)
FAILED = Topic(
    "clickstream.failed.v1",
    Role.OUTPUT,
    key="the record's own key",
    contract=FailedEvent,
    partitions=None,
    retention=30 * DAY_SECONDS,
    max_message_bytes=2 * MEBIBYTE,  # the largest input in base64, and its envelope
    description="Inputs that could not be processed, whole, each with a typed reason.",
)
SESSIONS = Topic(
    "clickstream.sessions.v1",
    Role.OUTPUT,
    key="user key",
    contract=ClosedSession,
    partitions=1,
    retention=7 * DAY_SECONDS,
    description="Closed sessions, in one order for all: every worker feeds its recommender from them.",
)
TIERS = Topic(
    "engagement.tiers.v1",
    Role.OUTPUT,
    key="user key",
    contract=EngagementTier,
    partitions=None,
    retention=30 * DAY_SECONDS,
    description="A user's engagement tier, when first known and at each change.",
)
RECOMMENDATIONS = Topic(
    "engagement.recommendations.v1",
    Role.OUTPUT,
    key="user key",
    contract=Recommendations,
    partitions=None,
    retention=7 * DAY_SECONDS,
    description="What to show a user next.",
)
EXAMPLES = Topic(
    "training.examples.v1",
    Role.INTERNAL,
    key="user key",
    contract=TrainingExample,
    partitions=1,
    retention=30 * DAY_SECONDS,
    description="Labelled examples, in one order, for the one trainer.",
)
SNAPSHOTS = Topic(
    "models.snapshots.v1",
    Role.INTERNAL,
    key="model, slot and part",
    contract=None,
    partitions=1,
    retention=None,
    compacted=True,
    description="Versioned, authenticated model snapshots, in parts that fit a message.",
)


def rows_changelog(app_id: str) -> Topic:
    """The rows of one application, from which a worker without a state folder recovers them."""
    return Topic(
        f"{app_id}-rows-changelog",
        Role.INTERNAL,
        key="user key, or a partition's meta",
        contract=None,
        partitions=None,
        retention=None,
        compacted=True,
        description="One row per user, of one application: what a worker recovers its state from.",
    )


TOPICS: tuple[Topic, ...] = (EVENTS, FAILED, SESSIONS, TIERS, RECOMMENDATIONS, EXAMPLES, SNAPSHOTS)

TOPIC_BY_CONTRACT: Mapping[type[BaseModel], Topic] = MappingProxyType(
    {topic.contract: topic for topic in TOPICS if topic.contract is not None}
)
