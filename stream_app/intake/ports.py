"""What reading an event needs from outside: a cleaner for its text, and rules for what may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stream_app.intake.wire import CallContext


class Surroundings(Protocol):
    """The cleaned surroundings of an event; missing values are empty."""

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
    """Interprets an event's free text; the same text always gives the same result."""

    def describe(self, context: CallContext) -> Surroundings:
        """The client and the origin of an event, from its user agent, page and referrer."""

    def search_terms(self, query: str) -> Sequence[str]:
        """The words of a search, without stop words and personal data."""


class Privacy(Protocol):
    """Decides what may be kept about a person's identity."""

    def user_key(self, user_id: str) -> str:
        """The key of a user's row."""

    def user_keys(self, user_id: str) -> Sequence[str]:
        """Every key under which a user may be stored, the current one first."""

    def marker(self, user_key: str) -> str:
        """A keyed hash that recognises an erased user without revealing who it is."""

    def markers(self, user_key: str) -> Sequence[str]:
        """All marks under which a user may have been erased, that of `marker` first."""

    def scrub_bytes(self, original: bytes) -> bytes:
        """A record without what must not be kept."""


@dataclass(frozen=True)
class Intake:
    """How events are read: interpreting their text, and deciding what may be kept."""

    cleaner: Cleaner
    privacy: Privacy
