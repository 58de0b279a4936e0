"""What a run came to: rows, and outputs by id; read off the topics, or of a run that nothing interrupts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from faults.frozen_models import FROZEN_MODELS
from faults.recorded_stream import ByPartition

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT

BATCH = 1_000
# What a row holds of decisions; they hang on models, which learn at another pace in every run.
UNDECIDED: dict[str, Any] = {
    "tier": 0,
    "next_tier": 0,
    "tier_until": 0.0,
    "scored_at": 0.0,
    "recommended_at": 0.0,
    "recommended_item": "",
    "sent_lists": [],
}


@dataclass
class Outcome:
    """Rows by user; outputs by id, each as JSON with sorted names and without `emitted_at`."""

    rows: dict[str, bytes] = field(default_factory=dict)
    outputs: dict[str, bytes] = field(default_factory=dict)
    repeats: int = 0
    conflicts: list[str] = field(default_factory=list)

    def add(self, outputs: Iterable[bytes]) -> None:
        """Take outputs in; a repeat is counted, and noted where it differs from the first."""
        for raw in outputs:
            body = orjson.loads(raw)
            del body["emitted_at"]
            content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
            first = self.outputs.setdefault(body["id"], content)
            if first is not content:
                self.repeats += 1
                if first != content:
                    self.conflicts.append(body["id"])

    @property
    def undecided_rows(self) -> dict[str, bytes]:
        """Rows less what hangs on models."""
        return {
            user: encode_row(msgspec.structs.replace(decode_row(row), **UNDECIDED))
            for user, row in self.rows.items()
        }


def run_uninterrupted(stream: ByPartition, rules: Rules | None = None) -> Outcome:
    """The whole stream through the core, in memory and in order."""
    rules = rules or Rules()
    outcome = Outcome()
    for number, messages in stream.items():
        partition, rows = Partition(number, rules), dict[str, UserRow]()
        for first in range(0, len(messages), BATCH):
            records = [
                Record(offset, key, value, RECEIVED_AT)
                for offset, (key, value) in enumerate(messages[first : first + BATCH], first)
            ]
            batch = Batch(EVENTS.name, number, records)
            result = step(partition, batch, rows, INTAKE, FROZEN_MODELS, rules, RECEIVED_AT)
            assert not result.sent, "the stream joins identities: no two runs of it are alike"
            for user, row in result.rows.items():
                if row is None:
                    rows.pop(user, None)
                else:
                    rows[user] = row
            outcome.add(output.model_dump_json().encode() for output in result.outputs)
        outcome.rows |= {user: encode_row(row) for user, row in rows.items()}
    assert not outcome.conflicts
    return outcome
