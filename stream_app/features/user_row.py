"""Everything known about one user: one bounded, versioned value, written once per batch.

On disk a row is MessagePack of the fields in order, starting with the row's version. Fields with a default
may be added at the end, and older rows can still be read. Any other change requires a new `ROW_VERSION`.
"""

from __future__ import annotations

import msgspec

from stream_app.conditions.state import AudienceState
from stream_app.features.declared.state import DeclaredState
from stream_app.features.funnel import Funnel
from stream_app.features.interests import Interests
from stream_app.features.statistics import DecayedSum, RunningStats, Shares
from stream_app.features.windows import Tiles, new_tiles
from stream_app.settings.rules import DAY

ROW_VERSION = 2
MAX_ROW_BYTES = 768 * 1024  # when stored, whatever its events; 2 KiB is typical
MAX_TRAITS = 24

MAX_RECENT_IDS = 512
MAX_ORDER_IDS = 16
MAX_RECENT_ITEMS = 20
MAX_TOP_NAMES = 8
MAX_SENT_LISTS = 2
MAX_SENT_ITEMS = 12
ACTIVITY_HALF_LIFE = 7 * DAY
SPENDING_HALF_LIFE = 30 * DAY


class OpenSession(msgspec.Struct, array_like=True):
    """A session that may still grow. `items` are (event time, item id), in order of event time.

    `tracker_id` is the id that the user's tracker gave it, or "". `last_offset` is the offset of the newest
    record that is part of it: the cause of its closing. `described` are categories and brands ("": not told)
    by item, that of which something was told last at the end.
    """

    started_at: float
    last_at: float
    topic: str
    last_offset: int
    event_count: int = 0
    page_views: int = 0
    items: list[tuple[float, str]] = []
    tracker_id: str = ""
    described: dict[str, tuple[str, str]] = {}


class Kind(msgspec.Struct, array_like=True):
    """How many events of a kind there were, and when the newest was."""

    count: int
    last_at: float


class Moment(msgspec.Struct, array_like=True):
    """The features of one moment, and what the user did afterwards.

    `values` are 32-bit floats in the order of the product's own features, `declared` a company's by name.
    """

    at: float
    values: bytes
    has_returned: bool = False
    has_bought: bool = False
    declared: dict[str, float] = {}


class ItemStart(msgspec.Struct, array_like=True):
    """An item that the user started, and what they did with it since; 0.0 if something has not happened.

    `uses` counts events that start the item, the first among them; `has_returned` tells of uses on another
    day. A page may be completed by reading alone.
    """

    item: str
    started_at: float = 0.0
    completed_at: float = 0.0
    uses: int = 0
    has_returned: bool = False
    is_page: bool = False


# The result of a claim to another id.
CLAIMED, OWNED, REFUSED = 0, 1, 2


class Place(msgspec.Struct, array_like=True):
    """The partition of another id, when (event time) it was declared to be the user's, and whether it is."""

    partition: int
    at: float
    claim: int = CLAIMED


class SentList(msgspec.Struct, array_like=True):
    """What is stored of a list of recommendations to attribute clicks; ranks start at 1.

    Clicked items become "". Only propensities below 1 are kept.
    """

    request_id: str
    at: float
    items: list[str]
    sources: list[str]
    source_numbers: bytes
    propensities: dict[int, float]
    explored: list[int]


class UserRow(msgspec.Struct, array_like=True):
    """The rolling features of one user. Times are epoch seconds of event time.

    `applied` holds, per source topic, the last offset that this row contains: records at or below it
    are skipped, so that a replay after a crash changes nothing. `first_at` and `last_at` are those of
    uses, `seen_at` of any event. `recent_ids` are the message fingerprints
    behind the watermark. `active_day_bits` are the last 64 days, the last active one first. `consent` is
    -1 where the user has not said, else the purposes agreed to, as bits, said last at `consent_at`.
    `next_tier` is a tier that was decided once and waits to be decided again; `recommended_item` is the item
    that the last recommendations follow. Events up to `erased_until` were erased. `heard` holds, per topic
    and other row, the last offset that caused a message from there. `automated` is the part of `activity`
    that a bot did. `linked` are the keys of the user's other ids, and of ids that were claimed in vain.
    `is_identified` says whether anybody was ever known by this id, rather than a visitor. A row that was
    `merged_into` another is empty but for that, and for `outgoing`, what it gives to the other, until that
    has it; it was `merged_outright` if a trusted source said they are one.
    `order_ids` are the fingerprints of the newest orders. `declared` are the features of a company's own,
    `audiences` those that it declares.
    """

    version: int = ROW_VERSION
    applied: dict[str, int] = {}
    first_at: float = 0.0
    last_at: float = 0.0
    seen_at: float = 0.0
    recent_ids: dict[int, float] = {}
    kinds: dict[str, Kind] = {}
    actions: dict[str, Kind] = {}
    tiles: list[Tiles] = msgspec.field(default_factory=new_tiles)
    activity: DecayedSum = msgspec.field(default_factory=DecayedSum)
    spending: DecayedSum = msgspec.field(default_factory=DecayedSum)
    open_sessions: list[OpenSession] = []
    session_durations: RunningStats = msgspec.field(default_factory=RunningStats)
    session_page_views: RunningStats = msgspec.field(default_factory=RunningStats)
    session_gaps: RunningStats = msgspec.field(default_factory=RunningStats)
    last_session_end: float = 0.0
    orders: RunningStats = msgspec.field(default_factory=RunningStats)
    funnel: Funnel = msgspec.field(default_factory=Funnel)
    devices: Shares = {}
    browsers: Shares = {}
    systems: Shares = {}
    countries: Shares = {}
    plans: Shares = {}
    referrers: Shares = {}
    hours: list[int] = msgspec.field(default_factory=lambda: [0] * 24)
    weekdays: list[int] = msgspec.field(default_factory=lambda: [0] * 7)
    time_zone: str = ""
    active_days: int = 0
    last_active_day: int = 0
    active_day_bits: int = 0
    traits: dict[str, float | str] = {}
    recent_items: list[str] = []
    top_items: dict[str, int] = {}
    bought_items: list[str] = []
    interests: Interests = msgspec.field(default_factory=Interests)
    consent: int = -1
    is_bot: bool = False
    control_group: str = ""
    tier: int = 0
    next_tier: int = 0
    tier_until: float = 0.0
    scored_at: float = 0.0
    recommended_at: float = 0.0
    recommended_item: str = ""
    moments: list[Moment] = []
    next_moment_at: float = 0.0
    erased_until: float = 0.0
    heard: dict[str, int] = {}
    linked: dict[str, Place] = {}
    merged_into: str = ""
    merged_partition: int = 0
    outgoing: bytes = b""
    sent_lists: list[SentList] = []
    item_starts: list[ItemStart] = []
    order_ids: list[int] = []
    automated: DecayedSum = msgspec.field(default_factory=DecayedSum)
    consent_at: float = 0.0
    is_identified: bool = False
    merged_outright: bool = False
    declared: DeclaredState | None = None
    audiences: AudienceState | None = None


# The fields about the row itself, without anything that its user did.
_STANDING = (
    "applied",
    "seen_at",
    "recent_ids",
    "consent",
    "consent_at",
    "is_bot",
    "erased_until",
    "heard",
    "linked",
    "merged_into",
    "merged_partition",
    "outgoing",
    "is_identified",
    "merged_outright",
)


def owned_ids(row: UserRow) -> list[str]:
    """The keys of the user's other ids, without refused claims."""
    return [key for key, place in row.linked.items() if place.claim == OWNED]


def is_owned(user_key: str, place: Place, other: UserRow | None) -> bool:
    """Whether an id that a user's row claims is the user's: `other` is its row, which then points here."""
    return other.merged_into == user_key if other is not None else place.claim == OWNED


def without_history(row: UserRow) -> UserRow:
    """The row of a user who withdrew consent to analytics, without their history."""
    return UserRow(**{name: getattr(row, name) for name in _STANDING})


class RowVersionError(ValueError):
    """A row was written by an unknown version of the program."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(UserRow)


def encode_row(row: UserRow) -> bytes:
    """Encode the row for storage."""
    return _encoder.encode(row)


def decode_row(data: bytes) -> UserRow:
    """Read a stored row.

    Raises:
        RowVersionError: the row is of another version.
        msgspec.DecodeError: the bytes are no row.
    """
    row = _decoder.decode(data)
    check_version(row.version)
    return row


def check_version(version: int) -> None:
    """Refuse a row that is of another version.

    Raises:
        RowVersionError: it is.
    """
    if version != ROW_VERSION:
        raise RowVersionError(
            f"a user row is of version {version}, this program reads version {ROW_VERSION}: "
            "run the program that wrote it, or start from an empty state folder"
        )
