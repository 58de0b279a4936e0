"""Records that cannot be processed: counted, and kept with a typed reason."""

from __future__ import annotations

from stream_app.core import outputs
from stream_app.core.arrival import Arrival
from stream_app.core.records import Record
from stream_app.core.workspace import Workspace
from stream_app.intake.decoding import Failure
from stream_app.intake.ports import Privacy
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.topics import EVENTS

UNKNOWN_TYPE = "unknown"


def refuse(workspace: Workspace, record: Record, cause: Cause, failure: Failure, privacy: Privacy) -> None:
    """Refuse a record that could not be read, so that neither user nor event time is known."""
    # How far the events were read when a record of another topic comes may differ on replay.
    at = workspace.partition.meta.highest_at if cause.topic == EVENTS.name else record.received_at
    workspace.count_failure(UNKNOWN_TYPE, failure.reason)
    kept = outputs.keep_record(record, failure, privacy)
    workspace.emit(outputs.build_failed_event(None, failure, kept, cause, at, workspace.now))


def refuse_event(workspace: Workspace, arrival: Arrival, failure: Failure, privacy: Privacy) -> None:
    """Refuse an event that was read."""
    timed = arrival.timed
    workspace.count_failure(timed.event.type, failure.reason)
    kept = outputs.keep_record(arrival.record, failure, privacy)
    workspace.emit(
        outputs.build_failed_event(timed.user_key, failure, kept, arrival.cause, timed.at, workspace.now)
    )
