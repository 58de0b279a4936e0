"""A user erased from one partition, and word sent to all who hold more of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stream_app.core import outputs
from stream_app.core.erasures import Erasure, count_contents
from stream_app.core.identity import Identities
from stream_app.core.partition import Partition
from stream_app.core.step_result import StepResult
from stream_app.features.user_row import UserRow
from stream_app.intake.identifiers import Cause
from stream_app.intake.ports import Privacy
from stream_app.schemas.privacy import PrivacyRequest


class Eraser:
    """Erases users during a step."""

    def __init__(
        self,
        partition: Partition,
        identities: Identities,
        row_of: Callable[[str], UserRow | None],
        result: StepResult,
        now: datetime,
    ) -> None:
        self._partition = partition
        self._identities = identities
        self._row_of = row_of
        self._result = result
        self._now = now

    def grant(self, request: PrivacyRequest, cause: Cause, privacy: Privacy) -> None:
        """Erase the user under every key that is known, and answer with a receipt."""
        until = request.requested_at.timestamp()
        user_keys = privacy.user_keys(request.user_id)
        erasures = [self.erase(user_key, until, cause, privacy) for user_key in user_keys]
        subject = privacy.marker(user_keys[0])
        self._result.outputs.append(outputs.build_receipt(request, subject, erasures, cause, self._now))

    def erase(self, user_key: str, until: float, cause: Cause, privacy: Privacy) -> Erasure:
        """Remove a row, and drop what is not newer than `until` (epoch seconds) from now on."""
        marker = privacy.marker(user_key)
        row = self._row_of(user_key)
        known = self._partition.erasures.get(marker)
        position = f"{cause.topic}/{cause.offset}"
        if known is not None and known.cause == position:
            erasure = known
        else:
            # What was removed is not to come back, even where it is newer than the request.
            newest = max(until, row.seen_at if row else 0.0, known.until if known else 0.0)
            erasure = Erasure(newest, position, count_contents(row) if row else {})
            self._partition.erasures.add(marker, erasure)
        self._result.erasures[marker] = erasure
        if row is not None:
            self._identities.forget(user_key, row, until, cause)
            self._partition.drop_user(user_key)
            self._result.rows[user_key] = None
            self._result.removed["erased"] += 1
        self._result.outputs.append(outputs.build_user_erased(user_key, erasure.until, cause, self._now))
        return erasure
