"""The embedded runtime: sources in, the core, one SQLite transaction per checkpoint.

Records are processed in rounds of a fixed number. Models do not change within a round and learn at its end.
Outputs are therefore a function of the input alone: checkpoints, or killing and restarting a replay, make no
difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

from stream_app.core.erasures import Erasure
from stream_app.core.identity_messages import EraseAgain, Sent, encode_message
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rescoring import Sweep, score_again
from stream_app.core.step import StepResult, close_idle, step
from stream_app.core.user_data import is_about
from stream_app.errors import InputError, StateError
from stream_app.intake.ports import Intake
from stream_app.intake.sources.source import Source
from stream_app.learning.ports import Models
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.audit import WriteAudit, erasures_among, this_actor, write_nowhere
from stream_app.runtimes.common.intake import plain_intake
from stream_app.runtimes.common.partitioning import partition_of, record_key
from stream_app.runtimes.common.row_cache import RowCache
from stream_app.runtimes.embedded.output_table import StoredOutput
from stream_app.runtimes.embedded.store import Checkpoint, ReadPosition, Store
from stream_app.schemas.envelopes import Cause, output_id
from stream_app.schemas.outputs import (
    FailedEvent,
    ModelErasure,
    Output,
    PrivacyReceipt,
    StoreErasure,
    UserErased,
)
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.schemas.topics import AUDIT, EVENTS, LINKS, PRIVACY_REQUESTS
from stream_app.settings.rules import Rules

ROUND_RECORDS = 1_000
CHECKPOINT_ROUNDS = 20
RESCORED_AT_ONCE = 50  # users of a partition, in addition to the events of one request


class RoundModels(Protocol):
    """Models that do not change during a round and learn at its end."""

    @property
    def models(self) -> Models:
        """The models that score the next round."""

    def learn(self, outputs: Sequence[Output]) -> Sequence[Output]:
        """Learn a round's outputs in order and return the outputs that follow."""

    def forget(self, user_key: str) -> int:
        """Remove what was learned from a user and return the number of sessions."""

    def unlearn(self, user_keys: Iterable[str]) -> Sequence[ModelErasure]:
        """Relearn the models without some users; return the result for each."""

    def refresh(self) -> None:
        """Bring the models up to date with everything learned."""

    def pop_changed_snapshots(self) -> Mapping[str, bytes]:
        """The models that have learned since the last call, as bytes to store."""


class Replay:
    """One data folder being filled. `clock` gives wall time in epoch seconds.

    A folder must always be filled with the same round size, partitions and rules.

    Raises:
        StateError: the folder was filled with another number of partitions.
    """

    def __init__(  # noqa: PLR0913
        self,
        store: Store,
        learned: RoundModels,
        rules: Rules,
        metrics: Metrics,
        clock: Callable[[], float],
        partitions: int = 1,
        hot_rows: int = 50_000,
        round_records: int = ROUND_RECORDS,
        checkpoint_rounds: int = CHECKPOINT_ROUNDS,
        intake: Intake | None = None,
        write_audit: WriteAudit = write_nowhere,
    ) -> None:
        self._store = store
        self._learned = learned
        self._rules = rules
        self._intake = intake or plain_intake()
        self._write_audit = write_audit
        self._metrics = metrics
        self._clock = clock
        self._rows = RowCache(store.row, hot_rows)
        self._outputs: list[Output] = []
        self._round_outputs: list[Output] = []
        self._reading: Counter[float] = Counter()  # records since the last checkpoint, by time of reading
        self._ended_streams: dict[str, ReadPosition] = {}
        self._round_records = round_records
        self._checkpoint_rounds = checkpoint_rounds
        stored = store.partitions()
        if stored and len(stored) != partitions:
            raise StateError(
                f"the data folder was filled with {len(stored)} partitions: "
                f"write --partitions {len(stored)}, or name another folder"
            )
        self._partitions = [
            Partition(
                number, rules, stored.get(number), lambda user_id: partition_of(user_id.encode(), partitions)
            )
            for number in range(partitions)
        ]
        for partition in self._partitions:
            partition.hold(*store.row_times(partition.number))
        for number, marker, erasure in store.erasures():
            self._partitions[number].erasures.add(marker, erasure)
        self._sweeps = [Sweep(partition) for partition in self._partitions]
        self._sent: list[Sent] = []
        self._erasures: dict[tuple[int, str], Erasure | None] = {}

    def run(
        self,
        source: Source,
        progress: Callable[[int, int], None],
        is_to_stop: Callable[[], bool] = lambda: False,
    ) -> int:
        """Read a source to its end and return how many records were new.

        `progress` is called with the number of records processed and how much of the source was read. If
        `is_to_stop`, what was read is made durable, and the next run continues from there.
        """
        skipped, begun_at = self._store.source_position(source.name)
        position = skipped
        if begun_at is None:
            begun_at = self._clock()
        records = source.records(skipped)
        rounds = 0
        while taken := list(islice(records, self._round_records)):
            # One receipt time for a whole file, so that a restarted replay judges times as the first did.
            received_at = self._clock() if source.is_live else begun_at
            self._process_round([value for value, _ in taken], received_at, is_history=not source.is_live)
            position += len(taken)
            rounds += 1
            progress(position - skipped, taken[-1][1])
            if is_to_stop():
                self._checkpoint({source.name: ReadPosition(position, begun_at)})
                return position - skipped
            if rounds % self._checkpoint_rounds == 0:
                self._checkpoint({source.name: ReadPosition(position, begun_at)})
        if source.is_live:
            self._checkpoint({source.name: ReadPosition(position, begun_at)})
            self._ended_streams[source.name] = ReadPosition(0, None)
        else:
            self._checkpoint({source.name: ReadPosition(position, None)})
        return position - skipped

    def watermark_of(self, value: bytes) -> float:
        """The time (epoch seconds) before which a record would be late."""
        key = record_key(value, self._rules.tracker_form, self._rules.placeholder_ids)
        return self._partitions[partition_of(key, len(self._partitions))].watermark

    def process(self, values: Sequence[bytes], removed_outputs: Sequence[int] = ()) -> None:
        """Process records that come from no source, and make the results durable.

        `removed_outputs` are the sequence numbers of outputs that are deleted with it.

        Raises:
            StateError: they could not be stored; this replay is then ahead of its store and must be
            discarded.
        """
        received_at = self._clock()
        for start in range(0, len(values), self._round_records):
            self._process_round(list(values[start : start + self._round_records]), received_at)
        self.score_again(RESCORED_AT_ONCE)
        self._checkpoint({}, removed_outputs)

    def close_idle(self, *, is_live: bool = False) -> None:
        """At the end of all input: close the sessions that are over by wall time.

        Where input `is_live`, the clock also tells of audiences that are left or entered by time alone.

        This also ends a live stream: the next one with its name is a new one.
        """
        for partition in self._partitions:
            rows = self._rows.of_partition(partition.number)
            models, now = self._learned.models, self._clock()
            result = close_idle(partition, rows, models, self._rules, now, is_live=is_live)
            self._keep(partition, result)
        self._end_round()
        self._checkpoint(self._ended_streams)

    def finish(self) -> None:
        """At the end of all input: close what is over, and score all users with up-to-date models."""
        self.close_idle()
        self._learned.refresh()
        while self.score_again(self._round_records, is_idle=True):
            self.keep()
        self.keep()

    def keep(self) -> None:
        """Make everything since the last checkpoint durable."""
        self._checkpoint({})

    def score_again(self, most: int, is_idle: bool = False) -> bool:
        """Rescore at most `most` users of each partition if the models have learned enough since.

        Returns whether there were any; `is_idle` says that there is nothing else to do.
        """
        models, has_scored = self._learned.models, False
        for partition, sweep in zip(self._partitions, self._sweeps, strict=True):
            sweep.begin(models, is_idle)
            user_keys = sweep.pop_next(most)
            rows = self._rows.of_partition(partition.number)
            result = score_again(partition, user_keys, rows, models, self._rules, self._clock())
            self._keep(partition, result)
            has_scored = has_scored or bool(user_keys)
        self._end_round()
        return has_scored

    def erase(self, request: PrivacyRequest) -> PrivacyReceipt:
        """Remove everything about a user from the folder, and remember to drop their events on replay.

        Raises:
            InputError: the request cannot be granted. StateError: it could not be stored, or another process
            reads the folder.
        """
        number = partition_of(request.user_id.encode(), len(self._partitions))
        self._step(PRIVACY_REQUESTS.name, number, [request.model_dump_json().encode()], self._clock())
        self._deliver(self._clock())
        made, self._round_outputs = self._round_outputs, []
        refused = [output for output in made if isinstance(output, FailedEvent)]
        if refused:
            raise InputError(f"the request cannot be granted: {refused[0].detail}")
        # Before anything is stored: an erasure that a crash undoes is made up for when the folder is opened.
        self._write_audit([*erasures_among(made, self._intake.privacy, this_actor())])
        user_keys = [str(output.user_key) for output in made if isinstance(output, UserErased)]
        learned_sessions = sum(self._learned.forget(user_key) for user_key in user_keys)
        found = self._outputs_about({request.user_id, *user_keys})
        [receipt] = [output for output in made if isinstance(output, PrivacyReceipt)]
        receipt = _with_stores(receipt, found, learned_sessions)
        self._outputs += [receipt, _of_models(receipt, self._learned.unlearn(user_keys), self._clock())]
        self._checkpoint({}, [output.sequence for output in found])
        self._store.purge()
        return receipt

    def erase_again(self, erasures: Sequence[tuple[str, float]]) -> int:
        """Erase users who were erased before, by marker and until when, and are held again; how many were.

        Raises:
            StateError: it could not be stored, or another process reads the folder.
        """
        message = EraseAgain(key="", sender="", topic=AUDIT.name, offset=0, erasures=list(erasures))
        for partition in self._partitions:
            self._step(LINKS.name, partition.number, [encode_message(message)], self._clock())
        self._deliver(self._clock())
        made, self._round_outputs = self._round_outputs, []
        self._write_audit([*erasures_among(made, self._intake.privacy, this_actor())])
        user_keys = {str(output.user_key) for output in made if isinstance(output, UserErased)}
        for user_key in user_keys:
            self._learned.forget(user_key)
        self._learned.unlearn(user_keys)
        self._checkpoint({}, [output.sequence for output in self._outputs_about(user_keys)])
        if user_keys:
            self._store.purge()
        return len(user_keys)

    def _outputs_about(self, names: Collection[str]) -> list[StoredOutput]:
        return [output for output in self._store.stored_outputs() if is_about(output.body, names)]

    def _process_round(self, values: list[bytes], received_at: float, is_history: bool = False) -> None:
        started_at = self._clock()
        self._reading[started_at] += len(values)
        by_partition: dict[int, list[bytes]] = {}
        if len(self._partitions) == 1:
            by_partition[0] = values
        else:
            for value in values:
                key = record_key(value, self._rules.tracker_form, self._rules.placeholder_ids)
                number = partition_of(key, len(self._partitions))
                by_partition.setdefault(number, []).append(value)
        for number in sorted(by_partition):
            self._step(EVENTS.name, number, by_partition[number], received_at, is_history)
        self._deliver(received_at)
        self._end_round()
        self._metrics.count_batch(self._clock() - started_at)

    def _step(
        self,
        topic: str,
        number: int,
        values: Sequence[bytes],
        received_at: float,
        is_history: bool = False,
    ) -> None:
        partition = self._partitions[number]
        first = partition.meta.applied.get(topic, -1) + 1
        records = [
            Record(offset, None, value, received_at, is_history=is_history)
            for offset, value in enumerate(values, first)
        ]
        rows = self._rows.of_partition(number)
        batch, models, now = Batch(topic, number, records), self._learned.models, self._clock()
        self._keep(partition, step(partition, batch, rows, self._intake, models, self._rules, now))

    def _deliver(self, received_at: float) -> None:
        """Deliver messages between rows until there are none, so that none is pending at a checkpoint."""
        while sent := self._sent:
            self._sent = []
            by_partition: dict[int, list[bytes]] = {}
            for number, message in sent:
                by_partition.setdefault(number, []).append(encode_message(message))
            for number in sorted(by_partition):
                self._step(LINKS.name, number, by_partition[number], received_at)

    def _end_round(self) -> None:
        self._outputs += self._round_outputs
        self._outputs += self._learned.learn(self._round_outputs)
        self._round_outputs = []

    def _keep(self, partition: Partition, result: StepResult) -> None:
        self._rows.change(partition.number, result.rows)
        self._erasures |= {(partition.number, marker): erasure for marker, erasure in result.erasures.items()}
        self._round_outputs += result.outputs
        self._sent += result.sent + result.sent_after
        self._metrics.count_step(partition.number, result, partition.users)
        self._metrics.show_time(partition.number, partition.meta.highest_at, partition.watermark)

    def _checkpoint(self, sources: Mapping[str, ReadPosition], removed_outputs: Sequence[int] = ()) -> None:
        self._store.write(
            Checkpoint(
                rows=self._rows.changed,
                outputs=self._outputs,
                partitions={partition.number: partition.encode_meta() for partition in self._partitions},
                sources=sources,
                models=self._learned.pop_changed_snapshots(),
                erasures=self._erasures,
                removed_outputs=removed_outputs,
            )
        )
        self._erasures = {}
        self._rows.settle()
        self._outputs = []
        self._metrics.commits.inc()
        self._metrics.count_latency(self._reading, self._clock())
        self._reading.clear()


def _with_stores(
    receipt: PrivacyReceipt, outputs: Sequence[StoredOutput], learned_sessions: int
) -> PrivacyReceipt:
    counts = Counter(output.schema for output in outputs)
    stores = [
        StoreErasure(store="outputs", state="removed", removed=dict(counts)),
        StoreErasure(store="recommender", state="removed", removed={"sessions": learned_sessions}),
        StoreErasure(store="models", state="announced"),
        StoreErasure(store="files that were replayed", state="elsewhere"),
    ]
    return receipt.model_copy(update={"stores": [*receipt.stores, *stores]})


def _of_models(receipt: PrivacyReceipt, models: Sequence[ModelErasure], now: float) -> PrivacyReceipt:
    """The second receipt of a request: from which models on nothing of the user is left."""
    source = receipt.source
    examples = sum(model.examples for model in models)
    return receipt.model_copy(
        update={
            "id": output_id(
                "privacy_receipt", Cause(source.topic, source.partition, source.offset), "models"
            ),
            "emitted_at": datetime.fromtimestamp(now, UTC),
            "stores": [StoreErasure(store="models", state="removed", removed={"examples": examples})],
            "models": list(models),
        }
    )
