"""Rows waiting to be scored at the end of their batch, and the features to read for that."""

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
    """A row to be scored with its features as of `at`; `moment` says why, for the output's id."""

    user_key: str
    row: UserRow
    features: Features
    at: float
    cause: Cause
    moment: str
    consent: int
    control_group: str


def reading_for(wanted: frozenset[str] | None, moment: str, definitions: Definitions = NONE) -> Reading:
    """What to read of a row scored at such a moment; `wanted` is what the tier model reads, None for all."""
    if wanted is None:
        return reading_of(None, definitions)
    foreseen = outlook_names(definitions) if calls_for_outlook(moment) else ()
    return reading_of(wanted.union((USAGE_FEATURE,), foreseen), definitions)


def calls_for_outlook(moment: str) -> bool:
    """Whether users scored at such a moment also get an outlook."""
    return moment.startswith(SESSION_CLOSED) or moment.startswith(f"{RESCORED} ")


def is_rescored(moment: str) -> bool:
    """Whether the model changed rather than the user."""
    return moment.startswith(RESCORED)
