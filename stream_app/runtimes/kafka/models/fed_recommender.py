"""The recommender as learned from the sessions topic, starting from the newest snapshot.

A snapshot names the offset up to which it contains the topic. Starting from it gives the same state as
reading every record.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
from aiokafka import ConsumerRecord
from pydantic import Field, TypeAdapter

from stream_app.learning.model_adapters import SessionRecommender
from stream_app.learning.session_records import SessionRecord, read_session
from stream_app.learning.trainer import REMEMBERED_IDS, RecentIds
from stream_app.models.recommenders.surface import Surface
from stream_app.models.snapshot import Refusal, SnapshotRefused
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.contract_reader import ContractReader
from stream_app.runtimes.kafka.consume.follower import TopicFollower
from stream_app.runtimes.kafka.models.sealed import is_sealed_with, unseal
from stream_app.runtimes.kafka.models.snapshots import SnapshotReader, Version
from stream_app.schemas.outputs import ClosedSession, ExploredPlace, UserErased
from stream_app.schemas.topics import RECOMMENDER_SNAPSHOTS, SESSIONS
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)

Told = ClosedSession | UserErased | ExploredPlace
_told: TypeAdapter[Told] = TypeAdapter(Annotated[Told, Field(discriminator="schema_name")])


class FedRecommender:
    """Learns sessions and forgets erased users; `offset` is that of the last record learned, initially -1.

    `has_present_key` is False where the snapshot that it began with is signed with an earlier key.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._reader = ContractReader(metrics)
        self._ids = RecentIds()
        self._restored = -1
        self.recommender = SessionRecommender(Surface(rules=settings.surface_rules))
        self.offset = -1
        self.has_present_key = True
        self.slot: int | None = None

    async def restore(self) -> None:
        """Restore the newest usable snapshot, if any.

        Raises:
            BrokerError: the broker is lost.
        """
        refuse = partial(self._reader.refuse, RECOMMENDER_SNAPSHOTS, why="no part of a snapshot")
        reader = SnapshotReader(self._load_snapshot, refuse)
        async with TopicFollower(self._settings, RECOMMENDER_SNAPSHOTS, reader.read_records) as follower:
            await follower.wait_until_caught_up()

    @property
    def begin_offset(self) -> int:
        """Where to start reading: recent records are read again for their ids, to recognise repeats."""
        return max(self._restored + 1 - REMEMBERED_IDS, 0)

    def learn_records(self, records: Sequence[ConsumerRecord]) -> None:
        """Learn records of the sessions topic, in order."""
        for record in records:
            told = self._read(record)
            if told is None or not self._ids.add(told.id) or record.offset <= self._restored:
                continue
            if isinstance(told, SessionRecord):
                self.recommender.learn_session(told)
            elif isinstance(told, UserErased):
                self.recommender.forget(str(told.user_key))
            else:
                self.recommender.learn(told)
        self.offset = max(self.offset, records[-1].offset)

    def _read(self, record: ConsumerRecord) -> SessionRecord | Told | None:
        if (session := read_session(record.value or b"")) is not None:
            return session
        return next((told for _, told in self._reader.read(SESSIONS, _told, (record,))), None)

    def _load_snapshot(self, name: str, version: Version) -> bool:
        if name != self.recommender.blend.name:
            return False
        try:
            state = unseal(version.data, name, version.number, *self._settings.snapshot_keys)
            surface = Surface.from_state(state, self._settings.surface_rules)
        except (SnapshotRefused, msgspec.MsgspecError, ValueError) as refusal:
            reason = refusal.reason if isinstance(refusal, SnapshotRefused) else Refusal.FORMAT_VERSION
            self._metrics.refused_snapshots.labels(reason).inc()
            log.warning("snapshot %s of %s refused: %s", version.number, name, refusal)
            return False
        self.recommender.surface = surface
        self.offset = self._restored = version.number
        self.slot = version.slot
        key = self._settings.required_snapshot_key
        self.has_present_key = is_sealed_with(version.data, name, version.number, key)
        return True
