"""The embedded runtime: sources in, the core, one SQLite transaction per checkpoint.

Records are taken in rounds of a fixed number. Within a round the models stand still; at its end they
learn what it brought. So what comes out is a function of the input alone: where checkpoints fall, or
where a replay was killed and begun again, makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from schemas.outputs import Output
from schemas.topics import EVENTS
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rules import Rules
from stream_app.core.step import StepResult, close_idle, step
from stream_app.metrics import Metrics
from stream_app.partitioning import partition_of, record_key
from stream_app.runtimes.embedded.learned import LearnedModels
from stream_app.runtimes.embedded.rows import RowCache
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.sources.source import Source

ROUND_RECORDS = 1_000
CHECKPOINT_ROUNDS = 20


class Replay:
    """One data folder being filled. `clock` gives wall time in epoch seconds."""

    def __init__(
        self,
        store: Store,
        learned: LearnedModels,
        rules: Rules,
        metrics: Metrics,
        clock: Callable[[], float],
        partitions: int = 1,
        hot_rows: int = 50_000,
    ) -> None:
        self._store = store
        self._learned = learned
        self._rules = rules
        self._metrics = metrics
        self._clock = clock
        self._rows = RowCache(store, hot_rows)
        self._outputs: list[Output] = []
        self._round_outputs: list[Output] = []
        stored = store.partitions()
        self._partitions = [Partition(number, rules, stored.get(number)) for number in range(partitions)]
        for number, user_key, row in store.rows():
            self._partitions[number].schedule(user_key, row)
            metrics.users.labels(str(number)).inc()
        begun = store.fact("begun_at")
        self._begun_at = float(begun) if begun else clock()

    def run(self, source: Source, progress: Callable[[int, int], None]) -> int:
        """Read a source to its end and return how many records were new.

        `progress` is told of records done and how much of the source's size is read.
        """
        position = begun = self._store.source_position(source.name)
        records = source.records(position)
        rounds = 0
        while taken := list(islice(records, ROUND_RECORDS)):
            self._take_round([value for value, _ in taken])
            position += len(taken)
            rounds += 1
            progress(position - begun, taken[-1][1])
            if rounds % CHECKPOINT_ROUNDS == 0:
                self._checkpoint({source.name: position})
        self._checkpoint({source.name: position})
        return position - begun

    def close_idle(self) -> None:
        """At the end of all input: close the sessions that wall time says are over."""
        for partition in self._partitions:
            rows = self._rows.of_partition(partition.number)
            result = close_idle(partition, rows, self._learned.models, self._rules, self._clock())
            self._keep(partition, result)
        self._end_round()
        self._checkpoint({})

    def _take_round(self, values: list[bytes]) -> None:
        started_at = self._clock()
        by_partition: dict[int, list[bytes]] = {}
        if len(self._partitions) == 1:
            by_partition[0] = values
        else:
            for value in values:
                number = partition_of(record_key(value), len(self._partitions))
                by_partition.setdefault(number, []).append(value)
        for number in sorted(by_partition):
            partition = self._partitions[number]
            batch = Batch(EVENTS.name, number, self._records(partition, by_partition[number]))
            rows = self._rows.of_partition(number)
            self._keep(partition, step(partition, batch, rows, self._learned.models, self._rules, started_at))
        self._end_round()
        self._metrics.batch_seconds.observe(self._clock() - started_at)

    def _end_round(self) -> None:
        self._learned.learn(self._round_outputs)
        self._outputs += self._round_outputs
        self._round_outputs = []

    def _records(self, partition: Partition, values: list[bytes]) -> list[Record]:
        first = partition.meta.applied.get(EVENTS.name, -1) + 1
        return [Record(offset, None, value, self._begun_at) for offset, value in enumerate(values, first)]

    def _keep(self, partition: Partition, result: StepResult) -> None:
        self._rows.change(partition.number, result.rows)
        self._round_outputs += result.outputs
        self._metrics.count_step(partition.number, result)
        self._metrics.show_time(
            partition.number, partition.meta.highest_at, partition.watermark, self._clock()
        )

    def _checkpoint(self, sources: dict[str, int]) -> None:
        self._store.write(
            Checkpoint(
                rows=self._rows.changed,
                outputs=self._outputs,
                partitions={partition.number: partition.encode_meta() for partition in self._partitions},
                sources=sources,
                models=self._learned.take_changed_snapshots(),
                facts={"begun_at": repr(self._begun_at).encode()},
            )
        )
        self._rows.settle()
        self._outputs = []
        self._metrics.commits.inc()
