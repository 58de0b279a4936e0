"""A driver for the core: pipe events in, advance time, read outputs. No broker, no files, no waiting.

Modelled on Kafka Streams' TopologyTestDriver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from stream_app.core.erasures import Erasure, decode_erasure, encode_erasure
from stream_app.core.identity_messages import Sent, encode_message
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.row_times import pack_stored_times, unpack_times
from stream_app.core.step import StepResult, advance_event_time, close_idle, step
from stream_app.features.reading import Features, read_features
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.intake.ports import Intake
from stream_app.intake.sources.event_files import open_events
from stream_app.learning.ports import Models
from stream_app.runtimes.common.intake import plain_intake
from stream_app.runtimes.common.partitioning import partition_of, record_key
from stream_app.schemas.outputs import Output
from stream_app.schemas.topics import EVENTS, LINKS, PRIVACY_REQUESTS
from stream_app.settings.rules import Rules
from stream_app.testing.events import RECEIVED_AT, START, privacy_request
from stream_app.testing.frozen_models import FixedModels

OutputT = TypeVar("OutputT")


class Driver:
    """The core over some partitions, with rows stored after each call as in a runtime.

    Args:
        rules: thresholds and intervals; the defaults are those of the settings. models: the scoring models;
        frozen ones by default, see `FixedModels` and `script_models`. intake: how text is cleaned and what is
        kept of it. partitions: the number of partitions; users are assigned by id, as by Kafka's default
        partitioner. clock: wall time in epoch seconds, at which everything is received; see `advance_clock`.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        models: Models | None = None,
        intake: Intake | None = None,
        *,
        partitions: int = 1,
        clock: float = RECEIVED_AT,
    ) -> None:
        self.rules = rules or Rules()
        self.models = models or FixedModels().models
        self.intake = intake or plain_intake()
        self.clock = clock
        self.outputs: list[Output] = []
        """Everything that came out, in order."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """How many records had which outcome, by (type, outcome)."""
        self._count = partitions
        self._stored: list[dict[str, bytes]] = [{} for _ in range(partitions)]
        self._erasures: list[dict[str, bytes]] = [{} for _ in range(partitions)]
        self._metas: list[bytes | None] = [None] * partitions
        self.restart()

    def pipe(self, *values: bytes | Mapping[str, object] | None) -> StepResult:
        """Process events in order of arrival, as bytes on the wire or objects; None: a record without value.

        Returns the results of this call, including those of the messages between rows that followed.
        """
        encoded = [msgspec.json.encode(value) if isinstance(value, Mapping) else value for value in values]
        spread: dict[int, list[bytes | None]] = {}
        for value in encoded:
            key = record_key(value or b"", self.rules.tracker_form, self.rules.placeholder_ids)
            spread.setdefault(self._partition_of(key), []).append(value)
        return self._together(self._step(EVENTS.name, number, spread[number]) for number in sorted(spread))

    def pipe_file(self, path: Path) -> StepResult:
        """Process the events of a file or a folder, as `stream-app replay` reads them.

        Raises:
            InputError: it does not exist, or cannot be read.
        """
        return self.pipe(*(value for source in open_events([str(path)]) for value, _ in source.records(0)))

    def erase(self, user: str, at: float | None = None, request_id: str = "r") -> StepResult:
        """Request to erase a user, `at` seconds after `START` or now; the outputs include the receipt."""
        asked_at = START + at if at is not None else self.clock
        return self.request(privacy_request(user, asked_at, request_id), partition=self._place_of(user))

    def request(self, *values: bytes | None, partition: int = 0) -> StepResult:
        """Process privacy requests, as bytes on the wire, in one partition."""
        return self._together([self._step(PRIVACY_REQUESTS.name, partition, values)])

    def advance_event_time(self, at: float) -> StepResult:
        """Advance event time to `at` seconds after `START` everywhere, as if by another user's event.

        This closes sessions, and sends labels and outcomes that the watermark has then passed.
        """
        return self._together(
            self._keep(
                number,
                advance_event_time(
                    partition, self._rows[number], self.models, self.rules, START + at, self.clock
                ),
            )
            for number, partition in enumerate(self._partitions)
        )

    def advance_clock(self, seconds: float) -> StepResult:
        """Advance wall time without events; idle sessions are closed."""
        self.clock += seconds
        return self._together(
            self._keep(number, close_idle(partition, self._rows[number], self.models, self.rules, self.clock))
            for number, partition in enumerate(self._partitions)
        )

    def restart(self) -> None:
        """Discard everything in memory, and restore it from what was stored."""
        self._partitions = [
            Partition(number, self.rules, self._metas[number], self._place_of)
            for number in range(self._count)
        ]
        self._rows = [{user: decode_row(row) for user, row in rows.items()} for rows in self._stored]
        for partition, stored, erased in zip(self._partitions, self._stored, self._erasures, strict=True):
            partition.hold(list(stored), unpack_times(map(pack_stored_times, stored.values())))
            for marker, erasure in erased.items():
                partition.erasures.add(marker, decode_erasure(erasure))

    @property
    def rows(self) -> Mapping[str, UserRow]:
        """Every user's stored row, by user key."""
        return {user: decode_row(row) for stored in self._stored for user, row in stored.items()}

    @property
    def partitions(self) -> list[Partition]:
        """What the core knows about each partition besides its rows."""
        return self._partitions

    @property
    def erasures(self) -> Mapping[str, Erasure]:
        """The erasures by marker."""
        return {
            marker: decode_erasure(erasure) for erased in self._erasures for marker, erasure in erased.items()
        }

    def features(self, user: str, at: float) -> Features:
        """A user's features as of `at` seconds after `START`.

        Raises:
            KeyError: the user has no row.
        """
        row = self.rows[self.intake.privacy.user_key(user)]
        return read_features(row, START + at, self.rules.loyal_uses, definitions=self.rules.definitions)

    def of(self, kind: type[OutputT], user: str | None = None) -> list[OutputT]:
        """All outputs of one kind so far, in order; of one user, or of all."""
        return [
            output
            for output in self.outputs
            if isinstance(output, kind) and user in (None, getattr(output, "user_key", None))
        ]

    def _step(self, topic: str, number: int, values: Iterable[bytes | None]) -> StepResult:
        partition = self._partitions[number]
        first = partition.meta.applied.get(topic, -1) + 1
        records = [Record(offset, None, value, self.clock) for offset, value in enumerate(values, first)]
        batch = Batch(topic, number, records)
        result = step(partition, batch, self._rows[number], self.intake, self.models, self.rules, self.clock)
        return self._keep(number, result)

    def _keep(self, number: int, result: StepResult) -> StepResult:
        """Store the result of a step, as a runtime does."""
        for user, row in result.rows.items():
            if row is None:
                self._stored[number].pop(user, None)
                self._rows[number].pop(user, None)
            else:
                self._stored[number][user] = encode_row(row)
                self._rows[number][user] = row
        for marker, erasure in result.erasures.items():
            if erasure is None:
                self._erasures[number].pop(marker, None)
            else:
                self._erasures[number][marker] = encode_erasure(erasure)
        self._metas[number] = self._partitions[number].encode_meta()
        self.outputs += result.outputs
        self.outcomes += result.events
        return result

    def _together(self, results: Iterable[StepResult]) -> StepResult:
        """Merge several results, after delivering messages between rows until there are none."""
        whole = StepResult()
        for result in results:
            _add(whole, result)
        waiting: list[Sent] = whole.sent + whole.sent_after
        while waiting:
            spread: dict[int, list[bytes]] = {}
            for number, message in waiting:
                spread.setdefault(number, []).append(encode_message(message))
            answers = [self._step(LINKS.name, number, spread[number]) for number in sorted(spread)]
            for answer in answers:
                _add(whole, answer)
            waiting = [sent for answer in answers for sent in answer.sent + answer.sent_after]
        return whole

    def _place_of(self, user_id: str) -> int:
        return self._partition_of(user_id.encode())

    def _partition_of(self, key: bytes | None) -> int:
        return partition_of(key or b"", self._count)


def _add(whole: StepResult, part: StepResult) -> None:
    whole.rows |= part.rows
    whole.outputs += part.outputs
    whole.events += part.events
    whole.failures += part.failures
    whole.removed += part.removed
    whole.placeholders += part.placeholders
    whole.bounded += part.bounded
    whole.erasures |= part.erasures
    whole.sent += part.sent
    whole.sent_after += part.sent_after
    whole.new_users += part.new_users
    whole.forgotten_ids += part.forgotten_ids
