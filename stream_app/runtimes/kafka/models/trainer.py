"""The trainer: the only place where models learn, from a topic with one partition."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, NamedTuple

from aiokafka import ConsumerRecord
from pydantic import Field, TypeAdapter, ValidationError

from stream_app.errors import StateError
from stream_app.learning.learner_set import LearnerSet
from stream_app.learning.marking import Marker
from stream_app.learning.trainer import REMEMBERED_IDS, ExampleOutcome, Taught, Trainer, by_label
from stream_app.models import snapshot
from stream_app.models.learning import ClassificationModel, RegressionModel
from stream_app.models.model_set import unlearned_models
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.follower import TopicFollower
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.models import snapshots
from stream_app.runtimes.kafka.models.unlearning import PendingUnlearning
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.outputs import ContentScore, TrainingExample, Unlearning
from stream_app.schemas.topics import EXAMPLES, SNAPSHOTS
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)


# Reasons that show bytes not written by this program, with any key or libraries.
NO_SNAPSHOT = frozenset({snapshot.Refusal.MAGIC, snapshot.Refusal.TRUNCATED, snapshot.Refusal.HEADER})


CONTENT_SCORE = ContentScore.model_fields["schema_name"].default
_taught: TypeAdapter[Taught | Unlearning] = TypeAdapter(
    Annotated[Taught | Unlearning, Field(discriminator="schema_name")]
)


class _Refused(NamedTuple):
    number: int
    refusal: snapshot.SnapshotRefused


class ModelTrainer:
    """Learns examples in order and publishes snapshots.

    Examples may be committed only once a snapshot that contains them is acknowledged.
    """

    def __init__(
        self,
        settings: Settings,
        producer: BulkProducer,
        metrics: Metrics,
        clock: Callable[[], float],
        stopwatch: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._keys = settings.snapshot_keys
        self._producer = producer
        self._metrics = metrics
        self._clock = clock
        self._stopwatch = stopwatch
        self._learners = LearnerSet(
            unlearned_models(), settings.tier_targets, settings.content_interval, clock
        )
        self._marker = Marker(*self._keys)
        self._trainer = Trainer(self._learners.by_target, marker=self._marker)
        self._pending = PendingUnlearning()
        self._slots: dict[str, int] = {}
        self._changed: dict[str, int] = {}
        self._published_at = stopwatch()

    async def restore(self) -> None:
        """Load the newest snapshots, and the ids of the examples that they learned last.

        Raises:
            BrokerError: the broker is lost. StateError: no snapshot of a model can be used; continuing would
            lose what it learned.
        """
        refused: dict[str, _Refused] = {}
        reader = snapshots.SnapshotReader(partial(self._load_snapshot, refused), self._refuse_part)
        await _read(TopicFollower(self._settings, SNAPSHOTS, reader.read_records))
        contained = {name: version.number for name, version in reader.newest.items()}
        for name, (number, refusal) in refused.items():
            # A snapshot signed with our key must not be skipped, and neither must the only one there is.
            is_ours = refusal.reason is snapshot.Refusal.LIBRARY_VERSIONS
            if name not in contained or (is_ours and number > contained[name]):
                raise StateError(
                    f"snapshot {number} of {name} cannot be used ({refusal}): set the key that "
                    "signed it, or start over as docs/operations.md says under Upgrade"
                )
        self._trainer = Trainer(self._learners.by_target, contained, self._marker)
        first = max(self._trainer.offset - REMEMBERED_IDS, 0)
        await _read(TopicFollower(self._settings, EXAMPLES, self._remember, first))

    async def learn(self, records: Sequence[ConsumerRecord]) -> None:
        """Learn a batch, in a thread so that the consumer keeps its heartbeat; send scores that fell due.

        Raises:
            BrokerError: a score was not acknowledged.
        """
        begun_at = self._stopwatch()
        await asyncio.to_thread(self._learn, records)
        told = self._learners.content.pop_scores()
        await self._producer.send_all(self._producer.encode_outputs(told, 0))
        self._metrics.outputs.labels(CONTENT_SCORE).inc(len(told))
        self._metrics.count_batch(self._stopwatch() - begun_at)

    @property
    def is_due(self) -> bool:
        """Whether a snapshot is due, by the number of examples learned or by time."""
        if self._pending.is_done:
            return True
        learned = sum(self._changed.values())
        if not learned:
            return False
        waited = self._stopwatch() - self._published_at
        return learned >= self._settings.snapshot_examples or waited >= self._settings.snapshot_interval

    @property
    def has_unpublished(self) -> bool:
        """Whether something was learned, or must be unlearned, that is not in a snapshot yet."""
        return bool(self._changed) or bool(self._pending)

    async def unlearn_if_due(self) -> None:
        """Relearn one model without erased users, once they have waited long enough for others to join.

        Runs in a thread, one model per call, so that other work waits for at most one.
        """
        name = self._pending.due(self._stopwatch() - self._settings.unlearn_after)
        if name is not None:
            [scorer] = [scorer for scorer in self._learners.all if scorer.name == name]
            scorer.replace_model(await asyncio.to_thread(scorer.relearned))
            self._pending.mark_relearned(name)
            self._changed[name] = self._changed.get(name, 0) + 1

    async def publish(self) -> None:
        """Publish every model that has learned since its last snapshot.

        Raises:
            BrokerError: a snapshot was not acknowledged.
        """
        for model in (learner.model for learner in self._learners.all):
            if model.name in self._changed:
                await self._publish(model)
        self._changed = {}
        await self._send_receipts()
        self._published_at = self._stopwatch()
        self._metrics.commits.inc()

    async def _send_receipts(self) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        for partition, receipt in self._pending.pop_receipts(self._trainer.offset, now):
            await self._producer.send_all(self._producer.encode_outputs([receipt], partition))

    def _learn(self, records: Sequence[ConsumerRecord]) -> None:
        run: list[tuple[int, Taught]] = []
        for record in records:
            for taught in self._parse(record):
                if isinstance(taught, Unlearning):
                    self._learn_run(run)
                    run = []
                    self._unlearn(taught, record.offset)
                else:
                    run.append((record.offset, taught))
        self._learn_run(run)

    def _unlearn(self, told: Unlearning, offset: int) -> None:
        self._trainer.offset = max(self._trainer.offset, offset)
        removed = self._trainer.forget([str(told.user_key)])
        stale = [scorer.name for scorer in self._learners.all if scorer.model.has_traces]
        self._pending.add(told, removed, stale, self._stopwatch())

    def _learn_run(self, examples: Sequence[tuple[int, Taught]]) -> None:
        for (_, example), outcome in zip(examples, self._trainer.learn(examples), strict=True):
            self._metrics.count_example(example.target, outcome)
            if outcome is ExampleOutcome.LEARNED:
                name = self._learners.by_target[example.target].name
                self._changed[name] = self._changed.get(name, 0) + 1

    def _refuse_part(self, record: ConsumerRecord) -> None:
        self._metrics.refused_records.labels(SNAPSHOTS.name).inc()
        log.warning("%s, offset %s refused: no part of a snapshot", SNAPSHOTS.name, record.offset)

    def _remember(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            if record.offset <= self._trainer.offset:
                for example in self._parse(record):
                    if not isinstance(example, Unlearning):
                        self._trainer.remember(example, record.offset)

    def _parse(self, record: ConsumerRecord) -> list[Taught | Unlearning]:
        try:
            taught = _taught.validate_json(record.value or b"")
            return list(by_label(taught)) if isinstance(taught, TrainingExample) else [taught]
        except ValidationError as error:
            self._metrics.refused_records.labels(EXAMPLES.name).inc()
            # The error's own text would reveal the values.
            log.warning("%s, offset %s refused: %d errors", EXAMPLES.name, record.offset, error.error_count())
            return []

    async def _publish(self, model: ClassificationModel | RegressionModel) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        await asyncio.to_thread(model.refresh)
        data = await asyncio.to_thread(snapshot.dump, model, self._keys[0], self._trainer.offset, now)
        slot = self._slots.get(model.name)
        self._slots[model.name] = await snapshots.publish(
            self._producer,
            name_of(SNAPSHOTS, self._settings),
            model.name,
            data,
            self._trainer.offset,
            slot,
        )
        self._show(model, now.timestamp())

    def _show(self, model: ClassificationModel | RegressionModel, created_at: float) -> None:
        self._metrics.show_model(model.name, model.version, model.examples_seen, created_at)
        self._metrics.show_scores(model.name, model.scores())
        self._metrics.show_drifts(model.name, model.drift.counts)

    def _load_snapshot(self, refused: dict[str, _Refused], name: str, version: snapshots.Version) -> bool:
        learner = next((learner for learner in self._learners.all if learner.name == name), None)
        if learner is None:
            return False
        try:
            model, header = snapshots.load(name, version, *self._keys)
        except snapshot.SnapshotRefused as refusal:
            self._metrics.refused_snapshots.labels(refusal.reason).inc()
            log.warning("snapshot %s of %s refused: %s", version.number, name, refusal)
            known = refused.get(name)
            is_snapshot = refusal.reason not in NO_SNAPSHOT
            if is_snapshot and (known is None or known.number < version.number):
                refused[name] = _Refused(version.number, refusal)
            return False
        self._slots[name] = version.slot
        learner.replace_model(model)
        if not snapshot.is_signed_with(version.data, self._keys[0]):
            self._changed[name] = 1  # to be published anew, signed with the present key
        self._show(model, header.created_at.timestamp())
        return True


async def _read(follower: TopicFollower) -> None:
    """Read everything that a topic currently holds."""
    async with follower:
        await follower.wait_until_caught_up()
