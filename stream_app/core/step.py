"""The one step of the product: a batch and its rows in; new rows, outputs and examples out.

Records are taken in offset order. What the outcome of a record is depends on the records before it in
its partition and on the models, never on where a batch was cut.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from stream_app.core import falling_due, outputs, recommending, scoring
from stream_app.core.application import FinishedSession, apply_event, finish_session, is_repeat
from stream_app.core.erasing import Eraser
from stream_app.core.erasures import decode_request
from stream_app.core.identity import LINKING_EVENTS, MAX_HOPS, Identities, is_known
from stream_app.core.identity_messages import Forget, Forwarded, decode_message
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rows import UserRows
from stream_app.core.step_result import StepResult
from stream_app.features import content, sessions
from stream_app.features.reading import Features, read_features
from stream_app.features.user_row import OpenSession, UserRow, without_history
from stream_app.intake import consent
from stream_app.intake.decoding import Failure, TimedEvent, decode
from stream_app.intake.identifiers import Cause, output_id
from stream_app.intake.personal_text import is_personal, without_personal
from stream_app.intake.ports import Intake
from stream_app.intake.wire import LabelEvent
from stream_app.learning.ports import Models
from stream_app.schemas.outputs import FailureReason
from stream_app.schemas.topics import EVENTS, LINKS, PRIVACY_REQUESTS
from stream_app.settings.rules import Rules

__all__ = ["MESSAGE_TYPE", "UNKNOWN_TYPE", "StepResult", "close_idle", "step"]

UNKNOWN_TYPE = "unknown"
MESSAGE_TYPE = "identity"
Take = Callable[[Record, Cause, Intake], None]


def step(
    partition: Partition,
    batch: Batch,
    rows: UserRows,
    intake: Intake,
    models: Models,
    rules: Rules,
    now: float,
) -> StepResult:
    """Process one batch. `now` is the wall clock in epoch seconds, for `emitted_at` alone."""
    running = _Step(partition, rows, models, rules, now)
    takes = {PRIVACY_REQUESTS.name: running.erase, LINKS.name: running.join}
    take = takes.get(batch.topic, running.apply)
    for record in batch.records:
        running.take(batch.topic, record, intake, take)
    return running.finish()


def close_idle(partition: Partition, rows: UserRows, models: Models, rules: Rules, now: float) -> StepResult:
    """Close the sessions of a partition that has gone idle; `now` is the wall clock in epoch seconds.

    The watermark stays where it is: events that are only slow to come are still taken.
    """
    running = _Step(partition, rows, models, rules, now)
    running.close_sessions(now - rules.allowed_lateness)
    return running.finish()


class _Step:
    def __init__(
        self, partition: Partition, rows: UserRows, models: Models, rules: Rules, now: float
    ) -> None:
        self._partition = partition
        self._stored = rows
        self._models = models
        self._rules = rules
        self._now = datetime.fromtimestamp(now, UTC)
        self._requests: list[scoring.ScoreRequest] = []
        self._readings = {
            moment: scoring.reading_for(models.tiers, moment)
            for moment in (scoring.EVENT, scoring.SESSION_CLOSED)
        }
        self._result = StepResult()
        self._identities = Identities(partition, rules, self._row, self._begin_row, self._result)
        self._identities.send_again()
        self._eraser = Eraser(partition, self._identities, self._row, self._result, self._now)

    def take(self, topic: str, record: Record, intake: Intake, take: Take) -> None:
        """Process one record, unless the partition already contains it."""
        applied = self._partition.meta.applied
        if record.offset <= applied.get(topic, -1):
            self._result.events[UNKNOWN_TYPE, "already_applied"] += 1
            return
        take(record, Cause(topic, self._partition.number, record.offset), intake)
        applied[topic] = record.offset

    def apply(self, record: Record, cause: Cause, intake: Intake) -> None:
        """Process one event."""
        decoded = decode(record.value, record.received_at, intake.privacy, self._rules)
        if isinstance(decoded, Failure):
            if self._partition.erasures.bars_record(record.value, intake.privacy):
                self._result.events[UNKNOWN_TYPE, "erased"] += 1
            else:
                self._fail(record, cause, decoded, None, intake)
        elif decoded.at < self._partition.watermark:
            if decoded.at <= self._partition.erasures.bars(decoded, intake.privacy):
                self._result.events[decoded.event.type, "erased"] += 1
                return
            late = Failure(FailureReason.LATE, f"later than the allowed {self._rules.allowed_lateness:.0f} s")
            self._fail(record, cause, late, decoded, intake)
        else:
            # What the event shows to be over is closed before the event changes the row.
            if self._partition.advance(decoded.at):
                self.close_sessions(self._partition.watermark)
                self._send_what_fell_due()
                self._remove_expired()
            self._process(decoded, record, cause, intake)

    def join(self, record: Record, cause: Cause, intake: Intake) -> None:
        """Take one message in that is about identities."""
        try:
            message = decode_message(record.value or b"")
        except msgspec.DecodeError as error:
            self._fail(record, cause, Failure(FailureReason.CONTRACT, str(error)), None, intake)
            return
        self._result.events[MESSAGE_TYPE, "processed"] += 1
        match message:
            case Forwarded():
                forwarded = Record(record.offset, None, message.value, message.received_at)
                decoded = decode(message.value, message.received_at, intake.privacy, self._rules)
                if isinstance(decoded, Failure):
                    self._fail(forwarded, cause, decoded, None, intake)
                else:
                    self._process(
                        msgspec.structs.replace(decoded, user_key=message.key),
                        forwarded,
                        cause,
                        intake,
                        message,
                    )
            case Forget():
                self._eraser.erase(message.key, message.until, cause, intake.privacy)
            case _:
                self._identities.take(message, cause, intake.privacy)

    def erase(self, record: Record, cause: Cause, intake: Intake) -> None:
        """Answer one privacy request."""
        request = decode_request(record, self._rules)
        if isinstance(request, Failure):
            self._fail(record, cause, request, None, intake)
            return
        self._result.events[request.kind, "processed"] += 1
        self._eraser.grant(request, cause, intake.privacy)

    def close_sessions(self, until: float) -> None:
        """Close every session that falls due by `until`, in an order that batches cannot change."""
        users = self._partition.sessions.take_due(until)
        if not users:
            return
        due: list[tuple[float, str, UserRow]] = []
        for user_key in users:
            row = self._row(user_key)
            if row is None:
                continue
            first_due = sessions.next_due(row, self._rules)
            if first_due is not None and first_due <= until:
                due.append((first_due, user_key, row))
            else:
                self._partition.schedule(user_key, row)
        for _, user_key, row in sorted(due, key=lambda entry: entry[:2]):
            self._close(user_key, row, sessions.take_due(row, until, self._rules))
            self._partition.schedule(user_key, row)

    def finish(self) -> StepResult:
        """Score what the batch asked for, all at once."""
        self._result.outputs += scoring.decide_tiers(
            self._requests, self._models.tiers, self._rules, self._now
        )
        self._result.outputs += scoring.foresee(self._requests, self._models.outcomes, self._rules, self._now)
        return self._result

    def _row(self, user_key: str) -> UserRow | None:
        changed = self._result.rows
        return changed[user_key] if user_key in changed else self._stored.get(user_key)

    def _process(
        self,
        timed: TimedEvent,
        record: Record,
        cause: Cause,
        intake: Intake,
        message: Forwarded | None = None,
    ) -> None:
        user_key, event = timed.user_key, timed.event
        events = self._result.events
        if isinstance(event, LabelEvent) and event.properties.features is not None:
            if timed.at <= self._partition.erasures.bars(timed, intake.privacy):
                events[event.type, "erased"] += 1
                return
            events[event.type, "processed"] += 1
            features = without_personal(event.properties.features)
            self._emit_example(user_key, event, features, timed.at, cause)
            return
        row = self._row(user_key)
        is_new = row is None
        if row is None:
            row = UserRow(erased_until=self._partition.erasures.bars(timed, intake.privacy))
        elif cause.offset <= row.applied.get(cause.topic, -1) or (message and is_known(row, message)):
            events[event.type, "already_applied"] += 1
            return
        if timed.at <= row.erased_until:
            events[event.type, "erased"] += 1
            return
        row.applied[cause.topic] = cause.offset
        if message is not None:
            row.heard[message.source] = message.offset
        row.seen_at = max(row.seen_at, timed.at)
        self._result.rows[user_key] = row
        if is_new:
            self._begin_row(user_key, row)
        if row.merged_into:
            if message is None and event.type in LINKING_EVENTS:
                self._identities.link(user_key, row, event, timed.at, cause, intake.privacy)
            hops = message.hops if message is not None else 0
            if hops < MAX_HOPS:
                self._identities.forward(user_key, row, record, cause, hops, intake.privacy)
                events[event.type, "forwarded"] += 1
                return
            row.merged_into = ""  # rows that point to each other in a circle: here it ends
        if is_repeat(row, timed, self._partition.watermark):
            events[event.type, "repeated"] += 1
            return
        context = event.context
        if context is not None and context.consent is not None:
            preferences = context.consent.category_preferences
            row.consent = consent.update_consent(row.consent, preferences, self._rules.default_consent)
        if not consent.is_agreed(row.consent, consent.ANALYTICS, self._rules.default_consent):
            events[event.type, "without_consent"] += 1
            if row.kinds:  # agreed to before, and withdrawn now
                self._result.rows[user_key] = without_history(row)
            return
        events[event.type, "processed"] += 1
        if message is None and event.type in LINKING_EVENTS:
            self._identities.link(user_key, row, event, timed.at, cause, intake.privacy)
        if isinstance(event, LabelEvent):
            if not row.is_bot:
                self._emit_example(
                    user_key, event, read_features(row, timed.at, self._rules.loyal_uses), timed.at, cause
                )
            return
        applied = apply_event(row, timed, cause.topic, cause.offset, intake.cleaner, self._rules)
        if applied.session is not None:
            self._partition.sessions.schedule(user_key, sessions.due_at(applied.session, self._rules))
        if applied.has_started:
            self._partition.item_starts.schedule(user_key, content.due_after(timed.at, self._rules))
        if applied.finished is not None:
            self._emit_session(user_key, row, applied.finished, cause, timed.at)
        elif row.scored_at + self._rules.tier_interval <= row.last_at and applied.session is not None:
            self._request_score(user_key, row, row.last_at, cause, scoring.EVENT)
        if applied.item is not None and applied.session is not None:
            click = recommending.take_click(row, applied.session, applied.item, timed.at, self._rules)
            if click is not None:
                self._result.outputs.append(outputs.build_click(user_key, click, cause, timed.at, self._now))
            self._recommend(user_key, row, applied.session, cause)

    def _begin_row(self, user_key: str, row: UserRow) -> None:
        """Make room for a new user where the partition is full: the one idle for longest goes."""
        self._result.new_users += 1
        self._partition.add_user(user_key, row)
        if 0 < self._rules.max_users < self._partition.users:
            self._remove(self._partition.take_idlest(self._row), "evicted")

    def _send_what_fell_due(self) -> None:
        for send in (falling_due.send_labels, falling_due.send_item_outcomes):
            send(self._partition, self._row, self._rules, self._result, self._now)

    def _remove_expired(self) -> None:
        for user_key in self._partition.take_expired(self._partition.watermark, self._row):
            self._remove(user_key, "expired")
        valid_since = self._partition.watermark - self._rules.row_validity
        for marker in self._partition.erasures.take_expired(valid_since):
            self._result.erasures[marker] = None

    def _remove(self, user_key: str, why: str) -> None:
        row = self._row(user_key)
        if row is not None:
            ended, row.open_sessions = row.open_sessions, []
            self._close(user_key, row, ended)
        self._result.rows[user_key] = None
        self._result.removed[why] += 1

    def _close(self, user_key: str, row: UserRow, ended: list[OpenSession]) -> None:
        for session in ended:
            cause = Cause(session.topic, self._partition.number, session.last_offset)
            finished = finish_session(row, session, self._partition.watermark)
            self._emit_session(user_key, row, finished, cause, sessions.due_at(session, self._rules))
        self._result.rows[user_key] = row

    def _request_score(self, user_key: str, row: UserRow, at: float, cause: Cause, moment: str) -> None:
        row.scored_at = max(row.scored_at, at)
        if not row.is_bot:
            features = read_features(row, at, self._rules.loyal_uses, self._readings[moment])
            # Later records of the batch may change the row: what an output tells is as of now.
            self._requests.append(
                scoring.ScoreRequest(
                    user_key, row, features, at, cause, moment, row.consent, row.control_group
                )
            )

    def _recommend(self, user_key: str, row: UserRow, session: OpenSession, cause: Cause) -> None:
        if not recommending.is_due(row, session, self._rules):
            return
        request_id = output_id("recommendations", cause)
        session_items = [item for _, item in session.items]
        occasion = recommending.describe_occasion(
            user_key, row, session_items, row.last_at, request_id, self._rules
        )
        items = self._models.recommender.recommend(occasion, self._rules.recommend_count)
        row.recommended_at = row.last_at
        row.recommended_item = session_items[-1]
        if not items:
            return
        stamp = self._models.recommender.stamp()
        recommendations = scoring.build_recommendations(
            request_id, user_key, row, items, stamp, cause, self._rules, self._now
        )
        recommending.note_sent(row, request_id, items)
        self._result.outputs.append(recommendations)

    def _emit_session(
        self, user_key: str, row: UserRow, finished: FinishedSession, cause: Cause, at: float
    ) -> None:
        self._result.outputs.append(
            outputs.build_closed_session(
                user_key,
                row,
                finished,
                recommending.may_personalise(row, self._rules),
                cause,
                at,
                self._now,
            )
        )
        if not row.next_moment_at:
            row.next_moment_at = max(at, row.last_at)
            self._partition.outlooks.schedule(user_key, row.next_moment_at)
        self._request_score(user_key, row, max(at, row.last_at), cause, scoring.SESSION_CLOSED)

    def _emit_example(
        self, user_key: str, event: LabelEvent, features: Features, at: float, cause: Cause
    ) -> None:
        label = event.properties
        if is_personal(label.target) or (isinstance(label.value, str) and is_personal(label.value)):
            return
        self._result.outputs.append(
            outputs.build_example(user_key, label.target, label.value, features, cause, at, self._now)
        )

    def _fail(
        self, record: Record, cause: Cause, failure: Failure, timed: TimedEvent | None, intake: Intake
    ) -> None:
        event_type = timed.event.type if timed else UNKNOWN_TYPE
        if timed is not None:
            at = timed.at
        elif cause.topic == EVENTS.name:
            at = self._partition.meta.highest_at
        else:
            # How far the events are read when another topic's record comes is otherwise when it comes again.
            at = record.received_at
        self._result.events[event_type, "failed"] += 1
        self._result.failures[failure.reason] += 1
        user_key = timed.user_key if timed else None
        self._result.outputs.append(
            outputs.build_failed_event(user_key, failure, record, intake.privacy, cause, at, self._now)
        )
