"""Lateness: an event older than the watermark is late and refused."""

from __future__ import annotations

from stream_app.core.arrival import Arrival
from stream_app.core.refusals import refuse_event
from stream_app.core.workspace import Workspace
from stream_app.intake.decoding import Failure
from stream_app.intake.ports import Privacy
from stream_app.schemas.outputs import FailureReason


def refuse_if_late(workspace: Workspace, arrival: Arrival, privacy: Privacy) -> bool:
    """Refuse a late event and return whether it was late; for an erased user not even the refusal is kept."""
    timed, partition = arrival.timed, workspace.partition
    if timed.at >= partition.watermark:
        return False
    if timed.at <= partition.erasures.bars(timed, privacy):
        workspace.count(timed.event.type, "erased")
    else:
        allowed = workspace.rules.allowed_lateness
        late = Failure(FailureReason.LATE, f"later than the allowed {allowed:.0f} s")
        refuse_event(workspace, arrival, late, privacy)
    return True
