"""The oracle's memory: every event that ever came, and what should become of it.

Nothing here is bounded or quick, and nothing is shared with the core but the rules' numbers. An event is kept
as the JSON object that was sent.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from stream_app.settings.rules import DAY, Rules

JsonObject = dict[str, Any]
# Whose doing it is: what is sent to a user is not an action of theirs.
PASSIVE = {"Email Delivered"}
ANALYTICS, PERSONALISATION, MARKETING = "analytics", "personalisation", "marketing"
PURPOSE_OF = {
    "analytics": ANALYTICS,
    "statistics": ANALYTICS,
    "personalisation": PERSONALISATION,
    "preferences": PERSONALISATION,
    "marketing": MARKETING,
    "targeting": MARKETING,
}


class Kept(NamedTuple):
    """An event that counts, with its event time in epoch seconds."""

    offset: int
    at: float
    event: JsonObject

    @property
    def kind(self) -> str:
        return str(self.event["type"])

    @property
    def action(self) -> str:
        return str(self.event.get("event", ""))

    @property
    def properties(self) -> JsonObject:
        return dict(self.event.get("properties", {}))

    @property
    def context(self) -> JsonObject:
        return dict(self.event.get("context", {}))

    @property
    def is_single_use(self) -> bool:
        return self.kind in {"page", "screen", "track"} and self.action not in PASSIVE

    @property
    def is_use(self) -> bool:
        return self.is_single_use or self.kind == "session"

    @property
    def is_view(self) -> bool:
        return self.kind in {"page", "screen"}


class Moment(NamedTuple):
    """One step of the partition: what ended before `until` is over, then the event, if any, is taken.

    Or the user's history is forgotten, because they agree to it no more.
    """

    until: float
    user: str = ""
    kept: Kept | None = None
    is_withdrawal: bool = False


@dataclass
class History:
    """All of one user: the events that count in order of arrival, and what they agreed to.

    The labels are those from before anything showed that the user is a bot.
    """

    kept: list[Kept] = field(default_factory=list)
    labels: list[Kept] = field(default_factory=list)
    identities: list[JsonObject | str] = field(default_factory=list)
    seen_at: float = 0.0
    is_bot: bool = False
    agreed: dict[str, bool] = field(default_factory=dict)
    agreed_at: float = 0.0

    @property
    def uses(self) -> list[Kept]:
        return [kept for kept in self.kept if kept.is_use]

    def is_mostly_automated(self, newest: Kept) -> bool:
        """Whether half of what was done or more was done by bots, where a week halves what a use counts."""

        def weight(uses: list[Kept]) -> float:
            return sum(0.5 ** ((newest.at - use.at) / (7 * DAY)) for use in uses)

        automated = [use for use in self.uses if use.context.get("userAgent") == "bot"]
        others = [use for use in self.single_uses if use is not newest]
        return bool(automated) and weight(automated) >= 0.5 * weight([*others, newest])

    @property
    def single_uses(self) -> list[Kept]:
        return [kept for kept in self.kept if kept.is_single_use]

    @property
    def last_at(self) -> float:
        return max((kept.at for kept in self.uses), default=0.0)


class EveryEvent:
    """One partition of which everything is kept."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.highest_at = 0.0
        self.histories: dict[str, History] = defaultdict(History)
        self.moments: list[Moment] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.failed: dict[int, str] = {}
        self.repeated: set[int] = set()

    @property
    def watermark(self) -> float:
        return self.highest_at - self.rules.allowed_lateness

    def idle(self, now: float) -> None:
        """No record came: sessions are over by the wall time."""
        self.moments.append(Moment(now - self.rules.allowed_lateness))

    def count(self, offset: int, value: bytes, received_at: float) -> None:
        """Judge one event, and keep it if it counts."""
        event = orjson.loads(value)
        at, received_at = event_time(event, received_at)
        if at > received_at + self.rules.allowed_skew:
            self._fail(offset, "unknown", "time_out_of_range")
        elif at < self.watermark:
            self._fail(offset, event["type"], "late")
        else:
            self.highest_at = max(self.highest_at, at)
            kept = Kept(offset, at, event)
            outcome = self._judge(self.histories[event["userId"]], kept)
            self.outcomes[event["type"], outcome] += 1
            counts = outcome == "processed" and kept.kind != "label"
            is_withdrawal = outcome == "without_consent"
            self.moments.append(
                Moment(self.watermark, event["userId"], kept if counts else None, is_withdrawal)
            )

    def _judge(self, history: History, kept: Kept) -> str:
        history.seen_at = max(history.seen_at, kept.at)
        identity = kept.event.get("messageId") or {
            name: value for name, value in kept.event.items() if name not in {"sentAt", "receivedAt"}
        }
        if identity in history.identities:
            self.repeated.add(kept.offset)
            return "repeated"
        history.identities.append(identity)
        said = kept.context.get("consent", {}).get("categoryPreferences", {})
        named = {PURPOSE_OF.get(name.strip().lower()): is_given for name, is_given in said.items()}
        named.pop(None, None)
        own = {**history.agreed, **named}
        if named and kept.at >= history.agreed_at:
            history.agreed, history.agreed_at = own, kept.at
        if not (own.get(ANALYTICS, True) and history.agreed.get(ANALYTICS, True)):
            history.kept.clear()
            return "without_consent"
        if kept.kind != "label":
            history.kept.append(kept)
            if kept.is_use:
                history.is_bot = history.is_mostly_automated(kept)
        elif not history.is_bot:
            history.labels.append(kept)
        return "processed"

    def _fail(self, offset: int, kind: str, reason: str) -> None:
        self.outcomes[kind, "failed"] += 1
        self.failed[offset] = reason


def event_time(event: JsonObject, received_at: float) -> tuple[float, float]:
    """When it happened and when it was received, both in epoch seconds.

    A wrong clock of the sender's is wrong by the same in both of its times, which tells beside the time of
    the receipt how wrong it was.
    """
    if "receivedAt" in event:
        received_at = min(received_at, _seconds(event["receivedAt"]))
    if "timestamp" in event:
        return _seconds(event["timestamp"]), received_at
    at = _seconds(event["originalTimestamp"])
    if "receivedAt" in event and "sentAt" in event:
        at = _seconds(event["receivedAt"]) - (_seconds(event["sentAt"]) - at)
    return at, received_at


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
