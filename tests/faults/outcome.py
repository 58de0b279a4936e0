"""What a run came to: rows, and outputs by id; read off the topics, or of a run that nothing interrupts.

What became of households is kept apart: no run says of them exactly what another does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from faults.frozen_models import FROZEN_MODELS
from faults.households import is_of_household
from faults.recorded_stream import STUCK, ByPartition

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.observability.guard import GENERATION
from stream_app.runtimes.kafka.consume.producer import Message
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
    household_rows: dict[str, bytes] = field(default_factory=dict)
    household_outputs: dict[str, bytes] = field(default_factory=dict)
    repeats: int = 0
    conflicts: list[str] = field(default_factory=list)

    def add(self, outputs: Iterable[bytes]) -> None:
        """Take outputs in; a repeat is counted, and noted where it differs from the first."""
        for raw in outputs:
            body = orjson.loads(raw)
            del body["emitted_at"]
            content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
            if is_of_household(body.get("user_key")):
                self.household_outputs.setdefault(body["id"], content)
                continue
            first = self.outputs.setdefault(body["id"], content)
            if first is not content:
                self.repeats += 1
                if first != content:
                    self.conflicts.append(body["id"])

    def put_row(self, user: str, row: bytes | None) -> None:
        """Take a row in, or forget it."""
        rows = self.household_rows if is_of_household(user) else self.rows
        rows.pop(user, None)
        if row is not None:
            rows[user] = row

    @property
    def undecided_rows(self) -> dict[str, bytes]:
        """Rows less what hangs on models."""
        return {
            user: encode_row(msgspec.structs.replace(decode_row(row), **UNDECIDED))
            for user, row in self.rows.items()
        }


def run_uninterrupted(
    stream: ByPartition, rules: Rules | None = None, tail: ByPartition | None = None
) -> Outcome:
    """The whole stream through the core, in memory and in order; messages between rows go nowhere.

    A tail lies in a topic that was made anew: its offsets count on from the next generation.
    """
    rules = rules or Rules()
    outcome = Outcome()
    for number, messages in stream.items():
        partition, rows = Partition(number, rules), dict[str, UserRow]()
        records = list(_records(messages, 0))
        records += _records((tail or {}).get(number, []), GENERATION)
        for first in range(0, len(records), BATCH):
            batch = Batch(EVENTS.name, number, records[first : first + BATCH])
            result = step(partition, batch, rows, INTAKE, FROZEN_MODELS, rules, RECEIVED_AT)
            for user, row in result.rows.items():
                if row is None:
                    rows.pop(user, None)
                else:
                    rows[user] = row
            outcome.add(output.model_dump_json().encode() for output in result.outputs)
        for user, row in rows.items():
            outcome.put_row(user, encode_row(row))
    assert not outcome.conflicts
    return outcome


def _records(messages: Iterable[Message], base: int) -> Iterator[Record]:
    for offset, (key, value) in enumerate(messages, base):
        yield Record(offset, key, value, RECEIVED_AT, value == STUCK)
