"""Every topic, declared once: its name, key, contract, partitions and retention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from stream_app.schemas.audit import AuditEntry
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.outputs import (
    AudienceChange,
    ClosedSession,
    ContentScore,
    EngagementTier,
    Envelope,
    ExploredPlace,
    FailedEvent,
    ItemOutcomes,
    Outlook,
    PrivacyReceipt,
    RecommendationClick,
    Recommendations,
    TrainingExample,
    Unlearning,
    UserErased,
)
from stream_app.schemas.privacy import PrivacyRequest

DAY_SECONDS = 86_400
SEGMENT_SECONDS = DAY_SECONDS
MEBIBYTE = 1_048_576
USER_PREFIX = b"u"  # of the keys of users' rows in a changelog


class Role(StrEnum):
    """The role of a topic."""

    INPUT = "input"
    OUTPUT = "output"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Key:
    """The key of a topic's records: in words, and as a function of the value."""

    text: str
    of: Callable[..., bytes | None]

    def __str__(self) -> str:
        return self.text


def event_key(event: Mapping[str, Any]) -> bytes | None:
    """The key of an event in plain JSON: its user id, or else its anonymous id; None if it has neither."""
    for name in ("userId", "anonymousId"):
        user = event.get(name)
        if isinstance(user, str) and user:
            return user.encode()
    return None


def _output_key(output: Envelope) -> bytes | None:
    return output.user_key.encode() if output.user_key is not None else None


def _failed_key(failed: FailedEvent) -> bytes | None:
    return failed.key


def _item_key(item: CatalogueItem | ContentScore) -> bytes:
    return item.item_id.encode()


def _request_key(receipt: PrivacyReceipt) -> bytes:
    return receipt.request_id.encode()


def _entry_id(entry: AuditEntry) -> bytes:
    return entry.id.encode()


def _erased_user_key(request: PrivacyRequest) -> bytes:
    return request.user_id.encode()


def _text_key(text: str) -> bytes:
    return text.encode()


def _part_key(model: str, slot: int, part: int) -> bytes:
    return f"{model}/{slot}/{part}".encode()


def row_key(user_key: str) -> bytes:
    """The key of a user's row in a changelog."""
    return USER_PREFIX + user_key.encode()


USER_KEY = Key("user key", _output_key)
ITEM_ID = Key("item id", _item_key)
SNAPSHOT_PART = Key("model, slot and part", _part_key)


@dataclass(frozen=True)
class Topic:
    """One topic. `partitions` None: the number that users are spread over (a setting); else fixed.

    `contract` None: the values are events of the union in `stream_app.schemas.events`, or bytes described in
    `docs/contracts.md`; `also` are contracts that share the topic so that their order is kept. `retention` is
    in seconds. A compacted topic keeps the newest record of each key, and older ones for `compaction_lag`
    seconds.
    """

    name: str
    role: Role
    key: Key
    contract: type[BaseModel] | None
    partitions: int | None
    retention: int | None
    compacted: bool = False
    max_message_bytes: int = MEBIBYTE
    description: str = ""
    also: tuple[type[BaseModel], ...] = ()
    compaction_lag: int = 0

    @property
    def contracts(self) -> tuple[type[BaseModel], ...]:
        """Every contract in the topic."""
        return (*(() if self.contract is None else (self.contract,)), *self.also)

    @property
    def has_outputs(self) -> bool:
        """Whether it contains outputs, in their envelope."""
        return any(issubclass(contract, Envelope) for contract in self.contracts)

    @property
    def lifetime(self) -> int | None:
        """Seconds after which a record is surely gone, as the topic is declared; None for never."""
        return None if self.retention is None else self.retention + SEGMENT_SECONDS

    def config(self, replication: int) -> Mapping[str, str]:
        """Broker-side settings of the topic, as Kafka names them.

        The broker's append time counts: with the sender's, a clock set back would delete records early, and
        records from a clock set forward would be refused.
        """
        settings = {
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime",
        }
        if self.compacted:
            settings["cleanup.policy"] = "compact"
            if self.compaction_lag:
                settings["min.compaction.lag.ms"] = str(self.compaction_lag * 1000)
        else:
            settings["cleanup.policy"] = "delete"
            # Records are deleted in whole segments: the sooner one is closed, the sooner expired records go.
            settings["segment.ms"] = str(SEGMENT_SECONDS * 1000)
            settings["retention.ms"] = str((self.retention or 7 * DAY_SECONDS) * 1000)
        if replication > 2:
            settings["min.insync.replicas"] = "2"
        return MappingProxyType(settings)


EVENTS = Topic(
    "clickstream.events.v1",
    Role.INPUT,
    key=Key("user id, else anonymous id", event_key),
    contract=None,
    partitions=None,
    retention=7 * DAY_SECONDS,
    description="What trackers send: page, screen, track, identify, group, session and label events.",
)
CATALOGUE = Topic(
    "catalogue.items.v1",
    Role.INPUT,
    key=ITEM_ID,
    contract=CatalogueItem,
    partitions=1,
    retention=None,
    compacted=True,
    description="What can be recommended: categories, brands, availability and expiry, for every worker.",
)
FAILED = Topic(
    "clickstream.failed.v1",
    Role.OUTPUT,
    key=Key("the record's own key", _failed_key),
    contract=FailedEvent,
    partitions=None,
    retention=30 * DAY_SECONDS,
    max_message_bytes=2 * MEBIBYTE,  # the largest input in base64, with its envelope
    description="Inputs that could not be processed, whole, each with a typed reason.",
)
SESSIONS = Topic(
    "clickstream.sessions.v1",
    Role.OUTPUT,
    key=USER_KEY,
    contract=ClosedSession,
    partitions=1,
    retention=7 * DAY_SECONDS,
    description="Closed sessions, erased users and explored places, in one order: what every worker's "
    "recommender learns.",
    also=(UserErased, ExploredPlace),
)
TIERS = Topic(
    "engagement.tiers.v1",
    Role.OUTPUT,
    key=USER_KEY,
    contract=EngagementTier,
    partitions=None,
    retention=30 * DAY_SECONDS,
    description="A user's engagement tier, when first known and at each change.",
)
OUTLOOKS = Topic(
    "engagement.outlooks.v1",
    Role.OUTPUT,
    key=USER_KEY,
    contract=Outlook,
    partitions=None,
    retention=30 * DAY_SECONDS,
    description="How probably a user returns, stays away or buys in the coming days, at each session's end.",
)
RECOMMENDATIONS = Topic(
    "engagement.recommendations.v1",
    Role.OUTPUT,
    key=USER_KEY,
    contract=Recommendations,
    partitions=None,
    retention=7 * DAY_SECONDS,
    description="What to show a user next.",
)
RECOMMENDATION_CLICKS = Topic(
    "engagement.recommendation-clicks.v1",
    Role.OUTPUT,
    key=USER_KEY,
    contract=RecommendationClick,
    partitions=None,
    retention=30 * DAY_SECONDS,
    description="Clicks on what was recommended, each with the list, the place and the source.",
)
AUDIENCES = Topic(
    "engagement.audiences.v1",
    Role.OUTPUT,
    key=USER_KEY,
    contract=AudienceChange,
    partitions=None,
    retention=30 * DAY_SECONDS,
    description="Users who entered or left an audience that the company declares, and why.",
)
CONTENT_SCORES = Topic(
    "engagement.content-scores.v1",
    Role.OUTPUT,
    key=ITEM_ID,
    contract=ContentScore,
    partitions=1,
    retention=None,
    compacted=True,
    description="How many of an item's starters complete it: the newest score of each item.",
)
EXAMPLES = Topic(
    "training.examples.v1",
    Role.INTERNAL,
    key=USER_KEY,
    contract=TrainingExample,
    partitions=1,
    retention=30 * DAY_SECONDS,
    description="Labelled examples, what became of items started and users to unlearn, in one order, for the "
    "one trainer.",
    also=(ItemOutcomes, Unlearning),
)
PRIVACY_REQUESTS = Topic(
    "privacy.requests.v1",
    Role.INPUT,
    key=Key("user id", _erased_user_key),
    contract=PrivacyRequest,
    partitions=None,
    retention=7 * DAY_SECONDS,
    description="Users to erase.",
)
PRIVACY_RECEIPTS = Topic(
    "privacy.receipts.v1",
    Role.OUTPUT,
    key=Key("request id", _request_key),
    contract=PrivacyReceipt,
    partitions=None,
    retention=30 * DAY_SECONDS,
    description="What was removed of an erased user, store by store.",
)
AUDIT = Topic(
    "privacy.audit.v1",
    Role.OUTPUT,
    key=Key("id", _entry_id),
    contract=AuditEntry,
    partitions=1,
    retention=2 * 365 * DAY_SECONDS,
    description="Erasures, exports, key changes and position resets: who did what, and when.",
)
KEYS = Topic(
    "privacy.keys.v1",
    Role.INTERNAL,
    key=Key("a key's fingerprint", _text_key),
    contract=None,
    partitions=1,
    retention=None,
    compacted=True,
    description="Fingerprints of the snapshot keys that were used, by which a wrong one is refused.",
)
LINKS = Topic(
    "identity.links.v1",
    Role.INTERNAL,
    key=Key("user key", _text_key),
    contract=None,
    partitions=None,
    retention=7 * DAY_SECONDS,
    description="What joins an anonymous history to its user, from one's partition to the other's.",
)
SNAPSHOTS = Topic(
    "models.snapshots.v1",
    Role.INTERNAL,
    key=SNAPSHOT_PART,
    contract=None,
    partitions=1,
    retention=None,
    compacted=True,
    description="Versioned, authenticated model snapshots, in parts that fit a message.",
)


RECOMMENDER_SNAPSHOTS = Topic(
    "models.recommender-snapshots.v1",
    Role.INTERNAL,
    key=SNAPSHOT_PART,
    contract=None,
    partitions=1,
    retention=None,
    compacted=True,
    description="The recommender from time to time, signed, so that a worker need not read all sessions.",
)


def rows_changelog(app_id: str) -> Topic:
    """The rows of one application, from which a worker without a state folder recovers them."""
    return Topic(
        f"{app_id}-rows-changelog",
        Role.INTERNAL,
        key=Key("user key, a partition's meta, or a claim", row_key),
        contract=None,
        partitions=None,
        retention=None,
        compacted=True,
        # Enough time for a worker to return and rewrite what a former owner of the partition overwrote.
        compaction_lag=15 * 60,
        description="One row per user, of one application: what a worker recovers its state from.",
    )


TOPICS: tuple[Topic, ...] = (
    EVENTS,
    CATALOGUE,
    PRIVACY_REQUESTS,
    FAILED,
    SESSIONS,
    TIERS,
    OUTLOOKS,
    RECOMMENDATIONS,
    RECOMMENDATION_CLICKS,
    AUDIENCES,
    CONTENT_SCORES,
    PRIVACY_RECEIPTS,
    AUDIT,
    EXAMPLES,
    LINKS,
    SNAPSHOTS,
    RECOMMENDER_SNAPSHOTS,
    KEYS,
)

# The topic of each output, by contract.
TOPIC_BY_CONTRACT: Mapping[type[BaseModel], Topic] = MappingProxyType(
    {contract: topic for topic in TOPICS if topic.role is not Role.INPUT for contract in topic.contracts}
)
