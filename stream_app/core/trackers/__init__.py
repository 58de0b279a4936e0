"""Other trackers' records, turned into the canonical events of `schemas.events`."""

from stream_app.core.trackers.forms import Form, detect, read
from stream_app.core.trackers.json_records import Unreadable

__all__ = ["Form", "Unreadable", "detect", "read"]
