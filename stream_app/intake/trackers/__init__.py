"""Other trackers' records, turned into the canonical events of `stream_app.schemas.events`."""

from stream_app.intake.trackers.forms import CANONICAL, FORM_SETTINGS, FORMS, detect, read
from stream_app.intake.trackers.json_records import (
    MAX_EVENTS,
    NotJson,
    TooMany,
    Unreadable,
    has_numbers_beyond_json,
    parse_json,
)

__all__ = [
    "CANONICAL",
    "FORMS",
    "FORM_SETTINGS",
    "MAX_EVENTS",
    "NotJson",
    "TooMany",
    "Unreadable",
    "detect",
    "has_numbers_beyond_json",
    "parse_json",
    "read",
]
