"""What reading an event asks of the world: a cleaner for its texts, and rules for what may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stream_app.intake.wire import CallContext


class Surroundings(Protocol):
    """What surrounds an event, cleaned; a text that is missing is empty."""

    @property
    def device(self) -> str: ...
    @property
    def browser(self) -> str: ...
    @property
    def os(self) -> str: ...
    @property
    def is_bot(self) -> bool: ...
    @property
    def referrer_medium(self) -> str: ...
    @property
    def search_terms(self) -> Sequence[str]: ...
    @property
    def fields(self) -> Sequence[str]: ...


class Cleaner(Protocol):
    """Reads what an event's free texts mean: the same text always means the same."""

    def describe(self, context: CallContext) -> Surroundings:
        """The client and the way by which an event came, from its user agent, page and referrer."""

    def search_terms(self, query: str) -> Sequence[str]:
        """The words of a search that say something and name nobody."""


class Privacy(Protocol):
    """Decides what may be kept of who somebody is."""

    def user_key(self, user_id: str) -> str:
        """The key of a user's row."""

    def user_keys(self, user_id: str) -> Sequence[str]:
        """Every key under which a user may be held, the present one first."""

    def marker(self, user_key: str) -> str:
        """A keyed hash by which an erased user is known again, and which tells nobody's name."""

    def scrub_bytes(self, original: bytes) -> bytes:
        """A record as it may be kept."""


@dataclass(frozen=True)
class Intake:
    """How events are read: what their texts mean, and what of them may be kept."""

    cleaner: Cleaner
    privacy: Privacy
