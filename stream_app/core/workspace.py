"""The results of one batch so far: the only place where its rows, outputs, messages and counts are written.

The stations of an event (see `step`) read rows and write their results here. Everything below them (identity,
features, learning, the builders of outputs) returns values and does not use the workspace.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from stream_app.core.erasures import Erasure
from stream_app.core.identity_messages import Sent
from stream_app.core.partition import Partition
from stream_app.core.rows import UserRows
from stream_app.core.score_requests import EVENT, SESSION_CLOSED, ScoreRequest, reading_for
from stream_app.core.step_result import StepResult
from stream_app.features.reading import read_features
from stream_app.features.user_row import UserRow
from stream_app.learning.ports import Models
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.outputs import Output
from stream_app.settings.rules import Rules


class Workspace:
    """One batch of one partition; `now` is wall time in epoch seconds, used only for `emitted_at`.

    A row that was read here belongs to the batch: a caller that changes it must put it back.
    """

    def __init__(
        self, partition: Partition, stored: UserRows, models: Models, rules: Rules, now: float
    ) -> None:
        self.partition = partition
        self.models = models
        self.rules = rules
        self.now = datetime.fromtimestamp(now, UTC)
        self.score_requests: list[ScoreRequest] = []
        self.result = StepResult()
        self._rows = self.result.rows
        self._stored = stored
        self._readings = {
            moment: reading_for(models.tiers.features_read(), moment, rules.definitions)
            for moment in (EVENT, SESSION_CLOSED)
        }

    def row(self, user_key: str) -> UserRow | None:
        """The user's current row within the batch; None if there is none."""
        changed = self._rows
        return changed[user_key] if user_key in changed else self._stored.get(user_key)

    def put_row(self, user_key: str, row: UserRow) -> None:
        """Write the row at the end of the batch."""
        self._rows[user_key] = row

    def begin_row(self, user_key: str, row: UserRow) -> None:
        """Add the row of a new user."""
        self._rows[user_key] = row
        self.result.new_users += 1
        self.partition.add_user(user_key, row)

    def remove_row(self, user_key: str, why: str) -> None:
        """Delete the row at the end of the batch, and count why."""
        self._rows[user_key] = None
        self.result.removed[why] += 1

    def put_erasure(self, marker: str, erasure: Erasure) -> None:
        """Write the marker of an erased user."""
        self.result.erasures[marker] = erasure

    def remove_erasure(self, marker: str) -> None:
        """Delete the marker of an erased user."""
        self.result.erasures[marker] = None

    def count(self, event_type: str, outcome: str) -> None:
        """Count the outcome of one record."""
        self.result.events[event_type, outcome] += 1

    def count_failure(self, event_type: str, reason: str) -> None:
        """Count one record that could not be processed."""
        self.result.events[event_type, "failed"] += 1
        self.result.failures[reason] += 1

    def count_placeholders(self, fields: Iterable[str]) -> None:
        """Count placeholder ids by field."""
        self.result.placeholders.update(fields)

    def count_forgotten_id(self) -> None:
        """Count one fingerprint that a row forgot before the watermark passed it."""
        self.result.forgotten_ids += 1

    def count_bounded(self, part: str, count: int) -> None:
        """Count what a part of a row had no room for."""
        self.result.bounded[part] += count

    def count_dropped(self, fields: Iterable[str]) -> None:
        """Count fields that were removed from an event because they could not be read."""
        self.result.dropped_fields.update(fields)

    def count_refused_claim(self, why: str) -> None:
        """Count an id that was refused to its claimant."""
        self.result.refused_claims[why] += 1

    def emit(self, output: Output) -> None:
        """Send an output with the batch."""
        self.result.outputs.append(output)

    def send(self, messages: Iterable[Sent]) -> None:
        """Send messages to other rows, in order, before the batch's rows are written."""
        self.result.sent += messages

    def send_after_rows(self, messages: Iterable[Sent]) -> None:
        """Send messages to other rows once the batch's rows are written."""
        self.result.sent_after += messages

    def request_score(
        self, user_key: str, row: UserRow, at: float, cause: Cause, moment: str, which: str = ""
    ) -> None:
        """Score a row at the end of the batch, with its current features.

        `which` distinguishes several such moments of one cause.
        """
        row.scored_at = max(row.scored_at, at)
        if not row.is_bot:
            features = read_features(row, at, self.rules.loyal_uses, self._readings[moment])
            named = f"{moment} {which}" if which else moment
            # Later records of the batch may change the row, but the output must show the current state.
            self.score_requests.append(
                ScoreRequest(user_key, row, features, at, cause, named, row.consent, row.control_group)
            )
