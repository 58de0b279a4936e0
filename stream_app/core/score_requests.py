"""Rows that wait to be scored at the end of their batch, and what is read of them for that."""

from __future__ import annotations

from typing import NamedTuple

from stream_app.definitions.file import NONE, Definitions
from stream_app.features.reading import Features, Reading, reading_of
from stream_app.features.user_row import UserRow
from stream_app.learning.moments import outlook_names
from stream_app.schemas.envelopes import Cause

SESSION_CLOSED = "session_closed"
EVENT = "event"
RESCORED = "rescored"
RESCORED_INACTIVE = "rescored_inactive"
USAGE_FEATURE = "sessions_30d"


class ScoreRequest(NamedTuple):
    """A row to be scored with features as they stood at `at`; `moment` says why, for the output's id."""

    user_key: str
    row: UserRow
    features: Features
    at: float
    cause: Cause
    moment: str
    consent: int
    control_group: str


def reading_for(wanted: frozenset[str] | None, moment: str, definitions: Definitions = NONE) -> Reading:
    """What to read of a row that is scored at such a moment; `wanted` by the tier model, None for all."""
    if wanted is None:
        return reading_of(None, definitions)
    foreseen = outlook_names(definitions) if calls_for_outlook(moment) else ()
    return reading_of(wanted.union((USAGE_FEATURE,), foreseen), definitions)


def calls_for_outlook(moment: str) -> bool:
    """Whether users scored at such a moment are told what they will do."""
    return moment.startswith(SESSION_CLOSED) or moment.startswith(f"{RESCORED} ")


def is_rescored(moment: str) -> bool:
    """Whether it was a model that changed, and not the user."""
    return moment.startswith(RESCORED)
