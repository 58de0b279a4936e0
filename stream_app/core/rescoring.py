"""Rescores users without events of theirs, because the models have learned more.

A sweep goes through all users of a partition, in parts whose size the caller chooses. It starts when a
model's examples have grown by `GROWTH` since the last one, or at all if the partition is idle. So there are
few sweeps while a model grows, and a final one with the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from stream_app.core.outlooks import foresee
from stream_app.core.partition import Partition
from stream_app.core.rows import UserRows
from stream_app.core.score_requests import RESCORED, RESCORED_INACTIVE, ScoreRequest, reading_for
from stream_app.core.step_result import StepResult
from stream_app.core.tiers import decide_tiers
from stream_app.features.reading import read_features
from stream_app.features.user_row import UserRow
from stream_app.intake import consent
from stream_app.learning.moments import IDLE_HORIZONS
from stream_app.learning.ports import Models
from stream_app.settings.rules import Rules

GROWTH = 1.25


class Sweep:
    """The users of a partition that the newest models have not scored yet.

    `partition.meta.swept` has, by model, the number of examples seen when the last complete sweep began.
    """

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._waiting: list[str] = []
        self._begun_with: dict[str, int] = {}

    def begin(self, models: Models, is_idle: bool) -> None:
        """Start a sweep of all users, if none is active and the models have learned enough since the last."""
        seen, before = _examples_seen(models), self._partition.meta.swept
        factor = 1.0 if is_idle else GROWTH
        has_learned = any(count > factor * before.get(name, 0) for name, count in seen.items())
        if has_learned and not self._waiting:
            self._begun_with = seen
            self._waiting = sorted(self._partition.user_keys(), reverse=True)

    def pop_next(self, most: int) -> list[str]:
        """Return the next users in key order; the sweep ends with the last of them."""
        split = max(len(self._waiting) - most, 0)
        taken, self._waiting = self._waiting[split:][::-1], self._waiting[:split]
        if not self._waiting and self._begun_with:
            self._partition.meta.swept = self._begun_with
        return taken


def score_again(
    partition: Partition, user_keys: Sequence[str], rows: UserRows, models: Models, rules: Rules, now: float
) -> StepResult:
    """Score users with the newest models, as of the partition's newest event time; `now` is wall time.

    A changed tier is sent at once, without hysteresis, because the model has changed and not the user. Only
    users who were active within the last horizons get an outlook. Users without consent to analytics, or
    without a finished session, are skipped.
    """
    at = partition.meta.highest_at
    seen = sum(_examples_seen(models).values())
    active, inactive = f"{RESCORED} {seen}", f"{RESCORED_INACTIVE} {seen}"
    readings = {
        moment: reading_for(models.tiers.features_read(), moment, rules.definitions)
        for moment in (active, inactive)
    }
    result = StepResult()
    requests: list[ScoreRequest] = []
    for user_key in user_keys:
        row = rows.get(user_key)
        if row is None or not _is_scored(row, rules):
            continue
        moment = active if at - row.last_at <= IDLE_HORIZONS * rules.outlook_horizon else inactive
        row.scored_at = max(row.scored_at, at)
        result.rows[user_key] = row
        features = read_features(row, at, rules.loyal_uses, readings[moment])
        cause = partition.newest_cause(row)
        requests.append(
            ScoreRequest(user_key, row, features, at, cause, moment, row.consent, row.control_group)
        )
    emitted_at = datetime.fromtimestamp(now, UTC)
    result.outputs += decide_tiers(requests, models.tiers, rules, emitted_at)
    result.outputs += foresee(requests, models.outcomes, rules, emitted_at)
    return result


def _is_scored(row: UserRow, rules: Rules) -> bool:
    return (
        not row.is_bot
        and not row.merged_into
        and bool(row.applied)
        and bool(row.session_durations.count)
        and consent.is_agreed(row.consent, consent.ANALYTICS, rules.default_consent)
    )


def _examples_seen(models: Models) -> dict[str, int]:
    stamps = [models.tiers.stamp(), *(model.stamp() for model in models.outcomes.values())]
    return {stamp.name: stamp.examples_seen for stamp in stamps}
