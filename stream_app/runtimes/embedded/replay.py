"""The embedded runtime: sources in, the core, one SQLite transaction per checkpoint.

Records are taken in rounds of a fixed number. Within a round the models stand still; at its end they
learn what it brought. So what comes out is a function of the input alone: where checkpoints fall, or
where a replay was killed and begun again, makes no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Protocol

from schemas.outputs import Output
from schemas.topics import EVENTS
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rules import Rules
from stream_app.core.step import StepResult, close_idle, step
from stream_app.errors import StateError
from stream_app.metrics import Metrics
from stream_app.partitioning import partition_of, record_key
from stream_app.ports import Models
from stream_app.runtimes.embedded.store import Checkpoint, ReadPosition, Store
from stream_app.runtimes.row_cache import RowCache
from stream_app.sources.source import Source

ROUND_RECORDS = 1_000
CHECKPOINT_ROUNDS = 20


class RoundModels(Protocol):
    """Models that stand still during a round and learn at its end."""

    @property
    def models(self) -> Models:
        """What the next round is scored with."""

    def learn(self, outputs: Sequence[Output]) -> None:
        """Learn what a round brought, in its order."""

    def take_changed_snapshots(self) -> Mapping[str, bytes]:
        """What to store of the models that learned since this was last asked."""


class Replay:
    """One data folder being filled. `clock` gives wall time in epoch seconds.

    The same folder is to be filled with the same rounds and partitions, and by the same rules.

    Raises:
        StateError: the folder was filled with another number of partitions.
    """

    def __init__(
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
    ) -> None:
        self._store = store
        self._learned = learned
        self._rules = rules
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
        self._partitions = [Partition(number, rules, stored.get(number)) for number in range(partitions)]
        for number, user_key, row in store.rows():
            self._partitions[number].schedule(user_key, row)
            metrics.users.labels(str(number)).inc()

    def run(self, source: Source, progress: Callable[[int, int], None]) -> int:
        """Read a source to its end and return how many records were new.

        `progress` is told of records done and how much of the source's size is read.
        """
        skipped, begun_at = self._store.source_position(source.name)
        position = skipped
        if begun_at is None:
            begun_at = self._clock()
        records = source.records(skipped)
        rounds = 0
        while taken := list(islice(records, self._round_records)):
            # One time of receipt for a whole file: a replay begun again judges times as the first did.
            received_at = self._clock() if source.is_live else begun_at
            self._take_round([value for value, _ in taken], received_at)
            position += len(taken)
            rounds += 1
            progress(position - skipped, taken[-1][1])
            if rounds % self._checkpoint_rounds == 0:
                self._checkpoint({source.name: ReadPosition(position, begun_at)})
        if source.is_live:
            self._checkpoint({source.name: ReadPosition(position, begun_at)})
            self._ended_streams[source.name] = ReadPosition(0, None)
        else:
            self._checkpoint({source.name: ReadPosition(position, None)})
        return position - skipped

    def close_idle(self) -> None:
        """At the end of all input: close the sessions that wall time says are over.

        Only then is a live stream done with, and the next under its name another one.
        """
        for partition in self._partitions:
            rows = self._rows.of_partition(partition.number)
            result = close_idle(partition, rows, self._learned.models, self._rules, self._clock())
            self._keep(partition, result)
        self._end_round()
        self._checkpoint(self._ended_streams)

    def _take_round(self, values: list[bytes], received_at: float) -> None:
        started_at = self._clock()
        self._reading[started_at] += len(values)
        by_partition: dict[int, list[bytes]] = {}
        if len(self._partitions) == 1:
            by_partition[0] = values
        else:
            for value in values:
                number = partition_of(record_key(value), len(self._partitions))
                by_partition.setdefault(number, []).append(value)
        for number in sorted(by_partition):
            partition = self._partitions[number]
            batch = Batch(EVENTS.name, number, _records(partition, by_partition[number], received_at))
            rows = self._rows.of_partition(number)
            self._keep(partition, step(partition, batch, rows, self._learned.models, self._rules, started_at))
        self._end_round()
        self._metrics.batch_seconds.observe(self._clock() - started_at)

    def _end_round(self) -> None:
        self._learned.learn(self._round_outputs)
        self._outputs += self._round_outputs
        self._round_outputs = []

    def _keep(self, partition: Partition, result: StepResult) -> None:
        self._rows.change(partition.number, result.rows)
        self._round_outputs += result.outputs
        self._metrics.count_step(partition.number, result)
        self._metrics.show_time(partition.number, partition.meta.highest_at, partition.watermark)

    def _checkpoint(self, sources: Mapping[str, ReadPosition]) -> None:
        self._store.write(
            Checkpoint(
                rows=self._rows.changed,
                outputs=self._outputs,
                partitions={partition.number: partition.encode_meta() for partition in self._partitions},
                sources=sources,
                models=self._learned.take_changed_snapshots(),
            )
        )
        self._rows.settle()
        self._outputs = []
        self._metrics.commits.inc()
        self._metrics.count_latency(self._reading, self._clock())
        self._reading.clear()


def _records(partition: Partition, values: list[bytes], received_at: float) -> list[Record]:
    first = partition.meta.applied.get(EVENTS.name, -1) + 1
    return [Record(offset, None, value, received_at) for offset, value in enumerate(values, first)]
