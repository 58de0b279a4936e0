"""The central step: a batch and its rows in; new rows, outputs and examples out.

Records are processed in offset order. The result for a record depends on the records before it in its
partition and on the models, never on batch boundaries. Each event passes stations that do not know each
other: decode, lateness, due work, admit, consent, identity, apply, decide; all scores are computed together
at the end of the batch. Stations write only through the `Workspace`.
"""

from __future__ import annotations

import msgspec

from stream_app.core import erasure, falling_due, identity, labels
from stream_app.core.admission import admit
from stream_app.core.agreement import ask_consent
from stream_app.core.application import apply_event
from stream_app.core.arrival import Arrival
from stream_app.core.audiences import tell, tell_due, tell_leaving
from stream_app.core.decisions import decide
from stream_app.core.erasures import decode_request
from stream_app.core.identity_messages import (
    Decided,
    EraseAgain,
    Forget,
    Forwarded,
    History,
    Link,
    Moved,
    Received,
    decode_message,
)
from stream_app.core.lateness import refuse_if_late
from stream_app.core.link_bounds import bound_links
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.refusals import UNKNOWN_TYPE, refuse
from stream_app.core.removals import make_room
from stream_app.core.rows import UserRows
from stream_app.core.scoring import score_batch
from stream_app.core.session_ends import close_due, close_excess
from stream_app.core.step_result import StepResult
from stream_app.core.workspace import Workspace
from stream_app.intake.decoding import Failure, decode
from stream_app.intake.ports import Intake, Privacy
from stream_app.intake.wire import LabelCall
from stream_app.learning.ports import Models
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.outputs import FailureReason
from stream_app.schemas.topics import LINKS, PRIVACY_REQUESTS
from stream_app.settings.rules import Rules

__all__ = ["MESSAGE_TYPE", "UNKNOWN_TYPE", "StepResult", "advance_event_time", "close_idle", "step"]

MESSAGE_TYPE = "identity"
BECAME_ANOTHER = "the id became part of another user"
LEFT_OUT = Failure(FailureReason.UNPROCESSABLE, "work on it has stopped a worker again and again")


def step(  # noqa: PLR0913
    partition: Partition,
    batch: Batch,
    rows: UserRows,
    intake: Intake,
    models: Models,
    rules: Rules,
    now: float,
) -> StepResult:
    """Process one batch. `now` is wall time in epoch seconds, used only for `emitted_at`."""
    workspace = _begin(partition, rows, models, rules, now)
    process = {PRIVACY_REQUESTS.name: _answer_request, LINKS.name: _process_message}.get(
        batch.topic, _process_event
    )
    applied = partition.meta.applied
    for record in batch.records:
        if record.offset <= applied.get(batch.topic, -1):
            workspace.count(UNKNOWN_TYPE, "already_applied")
            continue
        cause = Cause(batch.topic, partition.number, record.offset)
        if record.left_out:
            refuse(workspace, record, cause, LEFT_OUT, intake.privacy)
        else:
            process(workspace, record, cause, intake)
        applied[batch.topic] = record.offset
    return _finish(workspace)


def close_idle(
    partition: Partition, rows: UserRows, models: Models, rules: Rules, now: float, *, is_live: bool = True
) -> StepResult:
    """Close the sessions of an idle partition; `now` is wall time in epoch seconds.

    The watermark does not move, so events that are merely delayed are still accepted.
    """
    workspace = _begin(partition, rows, models, rules, now)
    close_due(workspace, now - rules.allowed_lateness)
    if is_live:
        tell_due(workspace, now, ahead=True)
    return _finish(workspace)


def advance_event_time(
    partition: Partition, rows: UserRows, models: Models, rules: Rules, at: float, now: float
) -> StepResult:
    """Advance event time to `at` (epoch seconds) without an event, and do what falls due."""
    workspace = _begin(partition, rows, models, rules, now)
    if partition.advance(at):
        falling_due.settle(workspace)
    return _finish(workspace)


def _begin(partition: Partition, rows: UserRows, models: Models, rules: Rules, now: float) -> Workspace:
    workspace = Workspace(partition, rows, models, rules, now)
    if partition.has_unsent:
        workspace.send_after_rows(identity.give_again(map(workspace.row, partition.pop_unsent())))
    return workspace


def _finish(workspace: Workspace) -> StepResult:
    score_batch(workspace)
    return workspace.result


def _process_event(workspace: Workspace, record: Record, cause: Cause, intake: Intake) -> None:
    decoded = decode(record.value, record.received_at, intake.privacy, workspace.rules)
    if decoded.placeholders:
        workspace.count_placeholders(decoded.placeholders)
    if isinstance(decoded, Failure):
        if workspace.partition.erasures.bars_record(record.value, intake.privacy):
            workspace.count(UNKNOWN_TYPE, "erased")
        else:
            refuse(workspace, record, cause, decoded, intake.privacy)
        return
    if decoded.dropped:
        workspace.count_dropped(decoded.dropped)
    arrival = Arrival(decoded, record, cause)
    if refuse_if_late(workspace, arrival, intake.privacy):
        return
    # Sessions that the event shows to be over are closed before the event changes the row.
    is_bounded = not record.is_history or decoded.event.received_at is not None
    if workspace.partition.advance(decoded.at, None if is_bounded else decoded.user_key):
        falling_due.settle(workspace)
    _pass_on(workspace, arrival, intake)


def _pass_on(workspace: Workspace, arrival: Arrival, intake: Intake) -> None:
    event = arrival.timed.event
    if isinstance(event, LabelCall) and event.properties.features is not None:
        labels.learn_from_given(workspace, arrival, event, intake.privacy)
        return
    row = admit(workspace, arrival, intake.privacy)
    if row is None:
        return
    if not row.merged_into and not ask_consent(workspace, row, arrival):
        return
    if linked := identity.link(row, arrival, workspace.partition, intake.privacy, workspace.rules):
        workspace.send(linked)
    bound_links(workspace, row)
    if row.merged_into:
        workspace.send([identity.forward(row, arrival, intake.privacy)])
        workspace.count(event.type, "forwarded")
    elif isinstance(event, LabelCall):
        labels.learn_from_row(workspace, row, arrival, event)
    else:
        applied = apply_event(row, arrival.timed, arrival.cause, intake.cleaner, workspace.rules)
        decide(workspace, row, arrival, applied)


def _process_message(workspace: Workspace, record: Record, cause: Cause, intake: Intake) -> None:
    try:
        message = decode_message(record.value or b"")
    except msgspec.DecodeError as error:
        refuse(workspace, record, cause, Failure(FailureReason.CONTRACT, str(error)), intake.privacy)
        return
    workspace.count(MESSAGE_TYPE, "processed")
    match message:
        case Forwarded():
            _process_forwarded(workspace, message, cause, intake)
        case Forget():
            erasure.forget(workspace, message, cause, intake.privacy)
        case EraseAgain():
            erasure.erase_again(workspace, message, cause, intake.privacy)
        case _:
            _answer_message(workspace, message, cause, intake.privacy)


def _process_forwarded(workspace: Workspace, message: Forwarded, cause: Cause, intake: Intake) -> None:
    record = Record(cause.offset, None, message.value, message.received_at)
    decoded = decode(message.value, message.received_at, intake.privacy, workspace.rules)
    if isinstance(decoded, Failure):
        refuse(workspace, record, cause, decoded, intake.privacy)
        return
    timed = msgspec.structs.replace(decoded, user_key=message.key)
    _pass_on(workspace, Arrival(timed, record, cause, message), intake)
    row = workspace.row(message.key)
    if row is not None:
        bound_links(workspace, row)


def _answer_message(
    workspace: Workspace, message: Link | History | Received | Decided | Moved, cause: Cause, privacy: Privacy
) -> None:
    row = workspace.row(message.key)
    erased_until = workspace.partition.erasures.until([message.key], privacy)
    answer = identity.answer(message, row, cause, erased_until, workspace.rules)
    if answer is None:
        return
    workspace.send(answer.sent)
    if answer.refused:
        workspace.count_refused_claim(answer.refused)
    workspace.send_after_rows(answer.sent_after_rows)
    if row is None:
        workspace.begin_row(message.key, answer.row)
        make_room(workspace)
    else:
        workspace.put_row(message.key, answer.row)
        if answer.row.merged_into and not row.merged_into:
            tell_leaving(workspace, message.key, row, cause, BECAME_ANOTHER)
    bound_links(workspace, answer.row)
    close_excess(workspace, message.key, answer.row)
    if answer.row.audiences is not None and workspace.rules.definitions.audiences:
        tell(workspace, message.key, answer.row, ahead_until=answer.row.seen_at)
    workspace.partition.schedule(message.key, answer.row)


def _answer_request(workspace: Workspace, record: Record, cause: Cause, intake: Intake) -> None:
    request = decode_request(record, workspace.rules)
    if isinstance(request, Failure):
        refuse(workspace, record, cause, request, intake.privacy)
        return
    workspace.count(request.kind, "processed")
    erasure.grant(workspace, request, cause, intake.privacy)
