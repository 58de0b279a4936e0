"""Other trackers' records, turned into the canonical events of `stream_app.schemas.events`."""

from stream_app.intake.trackers.forms import Form, detect, read
from stream_app.intake.trackers.json_records import Unreadable

__all__ = ["Form", "Unreadable", "detect", "read"]
