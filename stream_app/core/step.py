"""The one step of the product: a batch and its rows in; new rows, outputs and examples out.

Records are taken in offset order. What the outcome of a record is depends on the records before it in
its partition and on the models, never on where a batch was cut.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.events import LabelEvent
from schemas.outputs import (
    ClosedSession,
    FailedEvent,
    FailureReason,
    Output,
    SourcePosition,
    TrainingExample,
)
from stream_app.core import scoring, sessions
from stream_app.core.application import FinishedSession, apply_event, finish_session, is_repeat
from stream_app.core.decoding import Failure, TimedEvent, decode
from stream_app.core.features import Features, read_features
from stream_app.core.identifiers import output_id
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rules import Rules
from stream_app.core.user_row import OpenSession, UserRow
from stream_app.ports import Models, UserRows

UNKNOWN_TYPE = "unknown"


@dataclass
class StepResult:
    """What a batch came to. `events` counts (type, outcome); a failed record's type is unknown."""

    rows: dict[str, UserRow] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    new_users: int = 0


def step(
    partition: Partition, batch: Batch, rows: UserRows, models: Models, rules: Rules, now: float
) -> StepResult:
    """Process one batch. `now` is the wall clock in epoch seconds, for `emitted_at` alone."""
    running = _Step(partition, rows, models, rules, now)
    for record in batch.records:
        running.take(batch.topic, record)
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
        self._result = StepResult()

    def take(self, topic: str, record: Record) -> None:
        """Process one record, unless the partition already contains it."""
        meta = self._partition.meta
        if record.offset <= meta.applied.get(topic, -1):
            self._result.events[UNKNOWN_TYPE, "already_applied"] += 1
            return
        source = SourcePosition(topic=topic, partition=self._partition.number, offset=record.offset)
        decoded = decode(record.value, record.received_at, self._rules)
        if isinstance(decoded, Failure):
            self._fail(record, source, decoded, None)
        elif decoded.at < self._partition.watermark:
            failure = Failure(
                FailureReason.LATE, f"later than the allowed {self._rules.allowed_lateness:.0f} s"
            )
            self._fail(record, source, failure, decoded)
        else:
            # What the event shows to be over is closed before the event changes the row.
            if decoded.at > meta.highest_at:
                meta.highest_at = decoded.at
                self.close_sessions(self._partition.watermark)
            self._process(decoded, source)
        meta.applied[topic] = record.offset

    def close_sessions(self, until: float) -> None:
        """Close every session that falls due by `until`, in an order that batches cannot change."""
        due: list[tuple[float, str, UserRow]] = []
        for user_key in self._partition.take_due(until):
            row = self._row(user_key)
            if row is None:
                continue
            first_due = sessions.next_due(row, self._rules)
            if first_due is not None and first_due <= until:
                due.append((first_due, user_key, row))
            else:
                self._partition.schedule(user_key, row)
        for _, user_key, row in sorted(due, key=lambda entry: entry[:2]):
            for session in sessions.take_due(row, until, self._rules):
                known_at = sessions.due_at(session, self._rules)
                source = SourcePosition(
                    topic=session.topic, partition=self._partition.number, offset=session.last_offset
                )
                self._emit_session(user_key, row, finish_session(row, session), source, known_at)
            self._partition.schedule(user_key, row)
            self._result.rows[user_key] = row

    def finish(self) -> StepResult:
        """Score what the batch asked for, all at once."""
        self._result.outputs += scoring.decide_tiers(self._requests, self._models.tiers, self._now)
        return self._result

    def _row(self, user_key: str) -> UserRow | None:
        return self._result.rows.get(user_key) or self._stored.get(user_key)

    def _process(self, timed: TimedEvent, source: SourcePosition) -> None:
        user_key, event = timed.user_key, timed.event
        if isinstance(event, LabelEvent) and event.properties.features is not None:
            self._result.events[event.type, "processed"] += 1
            self._emit_example(user_key, event, event.properties.features, timed.at, source)
            return
        row = self._row(user_key)
        if row is None:
            row = UserRow()
            self._result.new_users += 1
        if source.offset <= row.applied.get(source.topic, -1):
            self._result.events[event.type, "already_applied"] += 1
            return
        row.applied[source.topic] = source.offset
        self._result.rows[user_key] = row
        if is_repeat(row, timed, self._partition.watermark):
            self._result.events[event.type, "repeated"] += 1
            return
        self._result.events[event.type, "processed"] += 1
        if isinstance(event, LabelEvent):
            self._emit_example(user_key, event, read_features(row, timed.at), timed.at, source)
            return
        applied = apply_event(row, timed, source.topic, source.offset, self._rules)
        self._partition.schedule(user_key, row)
        if applied.finished is not None:
            self._emit_session(user_key, row, applied.finished, source, timed.at)
        elif row.scored_at + self._rules.tier_interval <= row.last_at:
            self._request_score(user_key, row, row.last_at, source, "event")
        if applied.item is not None and applied.session is not None:
            self._recommend(user_key, row, applied.session, source)

    def _request_score(
        self, user_key: str, row: UserRow, at: float, source: SourcePosition, moment: str
    ) -> None:
        row.scored_at = max(row.scored_at, at)
        features = read_features(row, at)
        self._requests.append(scoring.ScoreRequest(user_key, row, features, at, source, moment))

    def _recommend(self, user_key: str, row: UserRow, session: OpenSession, source: SourcePosition) -> None:
        if row.recommended_at + self._rules.recommend_interval > row.last_at:
            return
        session_items = [item for _, item in session.items]
        if session_items[-1] == row.recommended_item and row.recommended_at >= session.started_at:
            return  # the same item looked at for longer is no new evidence
        items = self._models.recommender.recommend(session_items, self._rules.recommend_count)
        if not items:
            return
        row.recommended_at = row.last_at
        row.recommended_item = session_items[-1]
        stamp = self._models.recommender.stamp()
        self._result.outputs.append(
            scoring.build_recommendations(user_key, items, stamp, row.last_at, source, self._rules, self._now)
        )

    def _emit_session(
        self, user_key: str, row: UserRow, finished: FinishedSession, source: SourcePosition, at: float
    ) -> None:
        self._result.outputs.append(
            ClosedSession(
                id=output_id("closed_session", source, finished.session_id),
                user_key=user_key,
                as_of=datetime.fromtimestamp(at, UTC),
                emitted_at=self._now,
                source=source,
                session_id=finished.session_id,
                started_at=datetime.fromtimestamp(finished.started_at, UTC),
                ended_at=datetime.fromtimestamp(finished.ended_at, UTC),
                duration=finished.duration,
                event_count=finished.event_count,
                page_views=finished.page_views,
                items=finished.items,
            )
        )
        self._request_score(user_key, row, max(at, row.last_at), source, "session_closed")

    def _emit_example(
        self, user_key: str, event: LabelEvent, features: Features, at: float, source: SourcePosition
    ) -> None:
        self._result.outputs.append(
            TrainingExample(
                id=output_id("training_example", source),
                user_key=user_key,
                as_of=datetime.fromtimestamp(at, UTC),
                emitted_at=self._now,
                source=source,
                target=event.properties.target,
                features=features,
                label=event.properties.value,
            )
        )

    def _fail(
        self, record: Record, source: SourcePosition, failure: Failure, timed: TimedEvent | None
    ) -> None:
        event_type = timed.event.type if timed else UNKNOWN_TYPE
        at = timed.at if timed else self._partition.meta.highest_at
        self._result.events[event_type, "failed"] += 1
        self._result.failures[failure.reason] += 1
        self._result.outputs.append(
            FailedEvent(
                id=output_id("failed_event", source),
                user_key=timed.user_key if timed else None,
                as_of=datetime.fromtimestamp(at, UTC),
                emitted_at=self._now,
                source=source,
                reason=failure.reason,
                detail=failure.detail,
                key=record.key,
                original=record.value,
            )
        )
