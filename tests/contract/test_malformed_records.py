"""A flood of malformed records through the core: each fails with its own bytes, the good all count."""

import json
from datetime import UTC, datetime
from pathlib import Path

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.user_row import UserRow
from stream_app.learning.model_adapters import SessionRecommender, TierScorer
from stream_app.learning.ports import Models
from stream_app.models import targets
from stream_app.models.recommenders.surface import Surface
from stream_app.schemas.outputs import FailedEvent, FailureReason
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
RECEIVED_AT = datetime(2026, 3, 9, 12, tzinfo=UTC).timestamp()
RULES = Rules()
ROUNDS = 20


def good_event(number: int) -> bytes:
    event = {
        "type": "page",
        "messageId": f"m-{number}",
        "userId": f"u-{number % 7}",
        "timestamp": "2026-03-09T11:00:00Z",
    }
    return json.dumps(event).encode()


def malformed_values() -> list[tuple[FailureReason, bytes | None]]:
    files = sorted(EXAMPLES.glob("*/bad/*"))
    values: list[tuple[FailureReason, bytes | None]] = [
        (FailureReason(file.name.partition("--")[0]), file.read_bytes()) for file in files
    ]
    huge = good_event(0)[:-1] + b', "filler": "' + b"x" * RULES.max_event_bytes + b'"}'
    late = good_event(0).replace(b"T11:", b"T09:")
    return [
        *values,
        (FailureReason.NULL_VALUE, None),
        (FailureReason.TOO_LARGE, huge),
        (FailureReason.LATE, late),
    ]


def test_a_thousand_malformed_records_fail_whole_and_the_good_between_them_count():
    records: list[Record] = [Record(0, b"k", good_event(0), RECEIVED_AT)]
    expected: dict[int, tuple[FailureReason, bytes | None]] = {}
    for _ in range(ROUNDS):
        for reason, value in malformed_values():
            # What nests too deeply to be looked through for personal texts is cut there.
            is_cut = value is not None and reason is FailureReason.TOO_DEEP
            kept = INTAKE.privacy.scrub_bytes(value) if is_cut else value
            expected[len(records)] = (reason, kept)
            records.append(Record(len(records), b"k", value, RECEIVED_AT))
            records.append(Record(len(records), b"k", good_event(len(records)), RECEIVED_AT))
    assert len(expected) >= 1_000
    stored: dict[str, UserRow] = {}
    models = Models(TierScorer(targets.tier_model()), SessionRecommender(Surface()))
    result = step(
        Partition(0, RULES), Batch(EVENTS.name, 0, records), stored, INTAKE, models, RULES, RECEIVED_AT
    )
    failed = {
        output.source.offset: (output.reason, output.original)
        for output in result.outputs
        if isinstance(output, FailedEvent)
    }
    assert failed == expected
    assert result.events["page", "processed"] == len(records) - len(expected)
    assert sum(row.kinds["page"].count for row in result.rows.values() if row) == len(records) - len(expected)
