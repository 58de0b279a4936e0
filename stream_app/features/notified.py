"""What a user was notified of, what they made of it, and what is planned: the planning part of a row."""

from __future__ import annotations

import msgspec

MAX_SENT = 40
MAX_PLANNED = 4
MAX_KINDS = 64

# What became of a notification, as far as is known.
UNANSWERED, OPENED, DISMISSED, OPTED_OUT, BOUNCED = range(5)


class Sent(msgspec.Struct, array_like=True):
    """One notification that was sent: its id, type, channel, time and foreseen chance of being opened."""

    id: str
    kind: str
    channel: str
    at: float
    hour: int
    chance: float
    is_marketing: bool = True
    answer: int = UNANSWERED


class Planned(msgspec.Struct, array_like=True):
    """One notification that waits for its time. Times are epoch seconds of UTC."""

    id: str
    kind: str
    channel: str
    planned_at: float
    due_at: float
    expires_at: float
    chance: float
    propensity: float
    items: list[str] = []


class Tally(msgspec.Struct, array_like=True):
    """How many openings were foreseen, as a sum of chances, and how many there were."""

    expected: float = 0.0
    opened: float = 0.0


class Notified(msgspec.Struct, array_like=True):
    """The planning state of one user, bounded: the newest sends and plans, and tallies over all time.

    `hours` are 24 tallies by local hour, or none before the first send. `barred`: the user opted out.
    """

    segment: str = ""
    sent: list[Sent] = []
    planned: list[Planned] = []
    all: Tally = msgspec.field(default_factory=Tally)
    kinds: dict[str, Tally] = {}
    hours: list[Tally] = []
    barred: bool = False


def note_sent(state: Notified, sent: Sent) -> None:
    """Remember a send; what it foresaw counts from now on."""
    state.sent = [*state.sent[-(MAX_SENT - 1) :], sent]
    for tally in _tallies(state, sent):
        tally.expected += sent.chance


def note_opened(state: Notified, sent: Sent) -> bool:
    """Remember that a send was opened; whether that is news."""
    if sent.answer == OPENED:
        return False
    sent.answer = OPENED
    for tally in _tallies(state, sent):
        tally.opened += 1.0
    return True


def _tallies(state: Notified, sent: Sent) -> list[Tally]:
    if not state.hours:
        state.hours = [Tally() for _ in range(24)]
    if sent.kind not in state.kinds and len(state.kinds) >= MAX_KINDS:
        state.kinds = dict(sorted(state.kinds.items(), key=lambda kind: -kind[1].expected)[: MAX_KINDS - 1])
    kind = state.kinds.get(sent.kind)
    if kind is None:
        state.kinds = {**state.kinds, sent.kind: (kind := Tally())}
    return [state.all, kind, state.hours[sent.hour]]
