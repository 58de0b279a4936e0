"""Builds the core's outputs, in their envelopes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

from stream_app.conditions.state import Told
from stream_app.core.erasures import Erasure
from stream_app.core.recommending import ListClick
from stream_app.core.records import Record
from stream_app.core.score_requests import ScoreRequest
from stream_app.features.content import StartOutcome
from stream_app.features.finished_sessions import FinishedSession
from stream_app.features.reading import Features, finite
from stream_app.features.statistics import most_common
from stream_app.features.user_row import UserRow
from stream_app.intake import consent
from stream_app.intake.decoding import Failure
from stream_app.intake.ports import Privacy
from stream_app.learning.moments import Outcome
from stream_app.schemas.envelopes import Cause, envelope, output_id
from stream_app.schemas.outputs import (
    KEPT_KEY_BYTES,
    KEPT_ORIGINAL_BYTES,
    AudienceChange,
    ClosedSession,
    CutBytes,
    FailedEvent,
    FailureReason,
    ItemFacts,
    ItemOutcome,
    ItemOutcomes,
    LabelValue,
    ModelStamp,
    PrivacyReceipt,
    RecommendationClick,
    Recommendations,
    RecommendedItem,
    StoreErasure,
    TrainingExample,
    UserErased,
)
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.settings.rules import Rules

KEPT_DETAIL_CHARACTERS = 1_000
NO_OTHERS: Mapping[str, LabelValue] = MappingProxyType({})


def time_of(at: float) -> datetime:
    """Epoch seconds as outputs carry them."""
    return datetime.fromtimestamp(at, UTC)


def request_envelope(kind: str, request: ScoreRequest, now: datetime) -> dict[str, Any]:
    """The envelope of an output that follows from a score."""
    made_id = output_id(kind, request.cause, request.moment)
    return envelope(made_id, request.user_key, time_of(request.at), now, request.cause)


def build_closed_session(  # noqa: PLR0913
    user_key: str,
    row: UserRow,
    finished: FinishedSession,
    may_personalise: bool,
    cause: Cause,
    at: float,
    now: datetime,
) -> ClosedSession:
    """A session that is over at event time `at`."""
    session_id = output_id("closed_session", cause, finished.session_id)
    return ClosedSession.of_valid(
        **envelope(session_id, user_key, time_of(at), now, cause),
        session_id=finished.session_id,
        started_at=time_of(finished.started_at),
        ended_at=time_of(finished.ended_at),
        duration=finished.duration,
        event_count=finished.event_count,
        page_views=finished.page_views,
        items=finished.items,
        is_bot=row.is_bot,
        device=most_common(row.devices),
        country=most_common(row.countries),
        may_personalise=may_personalise,
        item_facts={
            item: ItemFacts.of_valid(category=category or None, brand=brand or None)
            for item, (category, brand) in finished.described.items()
        },
    )


def build_recommendations(  # noqa: PLR0913
    request_id: str,
    user_key: str,
    row: UserRow,
    items: Sequence[RecommendedItem],
    stamp: ModelStamp,
    cause: Cause,
    rules: Rules,
    now: datetime,
) -> Recommendations:
    """A list for one user, as of their last use; the request's id is also the output's."""
    return Recommendations.of_valid(
        **envelope(request_id, user_key, time_of(row.last_at), now, cause),
        request_id=request_id,
        model=stamp,
        items=list(items),
        expires_at=time_of(row.last_at + rules.recommend_validity),
        consent=consent.agreed_purposes(row.consent, rules.default_consent),
        control_group=row.control_group or None,
    )


def build_click(
    user_key: str, click: ListClick, cause: Cause, at: float, now: datetime
) -> RecommendationClick:
    """A click on a recommended item, at event time `at`."""
    return RecommendationClick.of_valid(
        **envelope(output_id("recommendation_click", cause), user_key, time_of(at), now, cause),
        request_id=click.request_id,
        item_id=click.item,
        rank=click.rank,
        item_source=click.source,
        propensity=click.propensity,
        is_explored=click.is_explored,
        delay=click.delay,
    )


class Said(NamedTuple):
    """A change of an audience as it is told: for good or not yet, or taken back."""

    change: Told
    because: Sequence[str]
    is_final: bool = True
    is_corrected: bool = False


def build_audience_change(
    user_key: str, audience: str, said: Said, cause: Cause, now: datetime
) -> AudienceChange:
    """A user who entered or left an audience; a correction has the change's own `change_id`."""
    change = said.change
    moment = f"{change.version} {change.holds} {change.at!r}"
    change_id = output_id("audience_change", cause, moment)
    made_id = output_id("audience_correction", cause, moment) if said.is_corrected else change_id
    return AudienceChange.of_valid(
        **envelope(made_id, user_key, time_of(change.at), now, cause),
        change_id=change_id,
        audience=audience,
        change="corrected" if said.is_corrected else "entered" if change.holds else "left",
        is_final=said.is_final,
        because=list(said.because),
    )


def build_example(  # noqa: PLR0913
    user_key: str,
    target: str,
    label: LabelValue,
    features: Features,
    cause: Cause,
    at: float,
    now: datetime,
    moment: str = "",
    other_labels: Mapping[str, LabelValue] = NO_OTHERS,
) -> TrainingExample:
    """A label that became known at event time `at`; `moment` distinguishes several of one cause."""
    return TrainingExample(
        **envelope(output_id("training_example", cause, moment), user_key, time_of(at), now, cause),
        target=target,
        features=finite(features),
        label=label,
        other_labels=dict(other_labels),
    )


def build_user_erased(user_key: str, until: float, cause: Cause, now: datetime) -> UserErased:
    """The notice to everyone who stores data about a user."""
    return UserErased(
        **envelope(output_id("user_erased", cause, user_key), user_key, time_of(until), now, cause),
    )


def build_receipt(
    request: PrivacyRequest, subject: str, erasures: Sequence[Erasure], cause: Cause, now: datetime
) -> PrivacyReceipt:
    """The receipt for what the core removed; the runtime adds its other stores."""
    removed: Counter[str] = Counter()
    for erasure in erasures:
        removed.update(erasure.removed)
    until = max(erasure.until for erasure in erasures)
    return PrivacyReceipt(
        **envelope(output_id("privacy_receipt", cause), None, time_of(until), now, cause),
        request_id=request.request_id,
        kind=request.kind,
        subject=subject,
        stores=[StoreErasure(store="user rows", state="removed", removed=dict(removed))],
    )


def build_outcome_example(
    user_key: str, outcome: Outcome, rules: Rules, cause: Cause, now: datetime
) -> TrainingExample:
    """The labels that became known in the days after a moment, with the features of that moment."""
    (target, label), *others = outcome.labels.items()
    moment, due_at = f"{target} {outcome.made_at!r}", outcome.made_at + rules.outlook_horizon
    return build_example(user_key, target, label, outcome.features, cause, due_at, now, moment, dict(others))


def build_item_outcomes(
    user_key: str, outcomes: Sequence[StartOutcome], rules: Rules, cause: Cause, now: datetime
) -> ItemOutcomes:
    """The outcomes of items that a user started, earliest first; at least one."""
    due_at = outcomes[-1].started_at + rules.content_horizon
    outcomes_id = output_id("item_outcomes", cause, repr(outcomes[0].started_at))
    return ItemOutcomes.of_valid(
        **envelope(outcomes_id, user_key, time_of(due_at), now, cause),
        outcomes=[
            ItemOutcome.of_valid(
                item_id=outcome.item,
                started_at=time_of(outcome.started_at),
                is_completed=outcome.is_completed,
                uses=outcome.uses,
                has_returned=outcome.has_returned,
            )
            for outcome in outcomes
        ],
    )


class KeptRecord(NamedTuple):
    """What may be kept of a record that failed: its key and value, and what they were if they were cut."""

    key: bytes | None
    original: bytes | None
    key_cut: CutBytes | None
    original_cut: CutBytes | None


def keep_record(record: Record, failure: Failure, privacy: Privacy) -> KeptRecord:
    """The parts of a failed record that may be kept, without personal data."""
    # No user has a key this long, so only the part that is kept is scrubbed. The value of a record that stops
    # workers is not even scrubbed, because that may be what stopped them.
    key, key_cut = _cut(record.key, KEPT_KEY_BYTES)
    kept_bytes = 0 if failure.reason is FailureReason.UNPROCESSABLE else KEPT_ORIGINAL_BYTES
    scrubbed = record.value if not kept_bytes else _keep(privacy, record.value)
    original, original_cut = _cut(record.value, kept_bytes, scrubbed)
    return KeptRecord(_keep(privacy, key), original, key_cut, original_cut)


def build_failed_event(
    user_key: str | None, failure: Failure, kept: KeptRecord, cause: Cause, at: float, now: datetime
) -> FailedEvent:
    """An input that could not be processed, with its original bytes as far as they may be kept."""
    return FailedEvent(
        **envelope(output_id("failed_event", cause), user_key, time_of(at), now, cause),
        reason=failure.reason,
        detail=failure.detail[:KEPT_DETAIL_CHARACTERS],
        **kept._asdict(),
    )


def _cut(
    given: bytes | None, length: int, scrubbed: bytes | None = None
) -> tuple[bytes | None, CutBytes | None]:
    """Cut a record's key or value; return what it was, too, if it was cut."""
    kept = given if scrubbed is None else scrubbed
    if given is None or kept is None or len(kept) <= length:
        return kept, None
    return kept[:length], CutBytes(length=len(given), sha256=sha256(given).hexdigest())


def _keep(privacy: Privacy, original: bytes | None) -> bytes | None:
    return None if original is None else privacy.scrub_bytes(original)
