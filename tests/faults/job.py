"""The whole job on a real broker, with somebody who starts again what has died, and notes how it died."""

import asyncio
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from faults.outcome import Outcome
from faults.positions import Places, Positions
from faults.recorded_stream import ByPartition
from faults.slot import Exit, Slot
from support.kafka_cluster import Cluster

from load_tests.broker import Broker
from stream_app.errors import StalledError
from stream_app.models.snapshot import SnapshotRefused
from stream_app.observability.guard import GENERATION
from stream_app.runtimes.kafka.models import snapshots
from stream_app.runtimes.kafka.operate.topics import name_of, partitions_of
from stream_app.runtimes.kafka.state.claims import rows_that_count
from stream_app.schemas.topics import (
    EVENTS,
    EXAMPLES,
    LINKS,
    PRIVACY_REQUESTS,
    SNAPSHOTS,
    TOPICS,
    USER_PREFIX,
    rows_changelog,
)

POLL_SECONDS = 0.2
HANG_SECONDS = 150.0
LEAVE_SECONDS = 10.0
TRAINER = -1
POISON_KEY = b"poison"
SOURCES = (EVENTS, PRIVACY_REQUESTS, LINKS)
IMPATIENT = {
    "session_timeout": 6,
    "kafka_timeout": 8,
    "batch_records": 500,
    "snapshot_examples": 500,
    "snapshot_interval": 2,
    "stall_timeout": 15,
    "unlearn_after": 2,
}
STALLED = StalledError.exit_code
MOST_STALLS = 150


class HarnessError(AssertionError):
    """The job broke a promise."""


class Job:
    """Topics, workers and, unless the models are frozen, a trainer. To be tended while it runs."""

    def __init__(
        self,
        broker: Broker,
        prefix: str,
        folder: Path,
        stream: ByPartition,
        tail: ByPartition,
        is_frozen: bool,
        **settings: Any,
    ) -> None:
        self.broker = broker
        self.stream = stream
        self.tail = tail
        self.erased: set[str] = set()
        self._is_tail_fed = False
        self.is_frozen = is_frozen
        self.cluster = Cluster(broker.bootstrap_servers, prefix, folder, partitions=len(stream))
        # A sweep scores users by the clock, which no uninterrupted run can be held to.
        sweeps = {"rescore_within": 0} if is_frozen else {}
        # The harness itself is patient.
        self.settings = self.cluster.settings.model_copy(update=IMPATIENT | sweeps | settings)
        self.slots: dict[int, Slot] = {}
        self.exits: list[Exit] = []
        self.slowest_leave = 0.0
        self._folder = folder
        self._events = sum(map(len, stream.values()))
        self._fed: dict[int, int] = {}
        self._positions = Positions(broker.bootstrap_servers)
        self._last_seen: list[Any] = []
        self._moved_at = 0.0

    async def __aenter__(self) -> Self:
        await self.cluster.create_topics()
        return self

    async def __aexit__(self, *_: object) -> None:
        for slot in self.slots.values():
            slot.kill()
        await self._positions.close()

    @property
    def workers(self) -> list[Slot]:
        """Those that are to process events now."""
        return [slot for number, slot in self.slots.items() if number != TRAINER]

    async def feed(self, share: float) -> None:
        """Send what is left of the stream's first part, in each partition of as large a share."""
        for partition, messages in self.stream.items():
            begun, end = self._fed.get(partition, 0), round(share * len(messages))
            if begun < end:
                await self.cluster.produce(messages[begun:end], partition)
                self._fed[partition] = end

    async def feed_tail(self) -> None:
        """Send what comes after the stream."""
        self._is_tail_fed = True
        for partition, messages in self.tail.items():
            await self.cluster.produce(messages, partition)

    async def has_taken_tail(self) -> bool:
        """Whether the rows contain what came after the stream."""
        contained = await self.cluster.contained()
        ends = {number: GENERATION + len(messages) - 1 for number, messages in self.tail.items() if messages}
        self._note_progress([contained])
        return contained | ends == contained

    async def scale(self, count: int) -> None:
        """Add workers, or have the last ones leave."""
        for number in range(count):
            if number not in self.slots:
                self._add(number, "worker", "--no-trainer")
        for number in [number for number in self.slots if number >= count]:
            await self.leave(self.slots[number])
            del self.slots[number]

    def start_trainer(self) -> None:
        """Have somebody who learns."""
        self._add(TRAINER, "trainer")

    async def leave(self, slot: Slot) -> None:
        """Send SIGTERM; the process is to leave in time, and with code 0 unless it was giving up itself."""
        slot.is_watched = False
        begun_at = asyncio.get_running_loop().time()
        slot.send(signal.SIGTERM)
        await asyncio.to_thread(slot.process.join, 3 * LEAVE_SECONDS)
        took = asyncio.get_running_loop().time() - begun_at
        self.slowest_leave = max(self.slowest_leave, took)
        slot.is_watched = True
        # Who is told to leave in the middle of a stuck call is ended by the guard.
        is_stuck = not slot.process.is_alive() and slot.exit.code == STALLED
        if slot.process.is_alive() or (took > LEAVE_SECONDS and not is_stuck):
            raise HarnessError(f"{slot.log} did not leave within {LEAVE_SECONDS:.0f} s")
        had_begun = bool(slot.log.read_text())
        if slot.exit.code and (had_begun or slot.exit.code != -signal.SIGTERM):
            self._note_exit(slot)

    async def ends(self, slot: Slot) -> None:
        """Wait for a process that cannot go on; it is to say why in a line and end with a code above 0."""
        slot.is_watched = False
        await asyncio.to_thread(slot.process.join, HANG_SECONDS)
        slot.is_watched = True
        if slot.process.is_alive():
            raise HarnessError(f"{slot.log} hangs")
        self._note_exit(slot)

    def tend(self) -> None:
        """Start again what has ended of itself."""
        for slot in self.slots.values():
            if slot.is_watched and not slot.process.is_alive():
                self._note_exit(slot)
                slot.start()

    async def tend_until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Tend the job until something has come about; without any progress meanwhile that is a hang."""
        loop = asyncio.get_running_loop()
        self._moved_at = loop.time()
        while not await condition():
            self.tend()
            if loop.time() - self._moved_at > HANG_SECONDS:
                logs = ", ".join(str(slot.log) for slot in self.slots.values())
                raise HarnessError(f"nothing moved for {HANG_SECONDS:.0f} s: {self._last_seen}, {logs}")
            await asyncio.sleep(POLL_SECONDS)

    async def tend_for(self, seconds: float) -> None:
        """Tend the job for a while."""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            self.tend()
            await asyncio.sleep(POLL_SECONDS)

    async def progress(self) -> float:
        """The share of the recorded stream whose offsets are committed."""
        events = name_of(EVENTS, self.cluster.settings)
        committed = await self._committed()
        return sum(offset for (topic, _), offset in committed.items() if topic == events) / self._events

    async def is_done(self) -> bool:
        """Whether all that lies in the source topics is committed, and all examples in those of a trainer."""
        if not self._is_tail_fed and await self.progress() < 1:
            return False
        committed = await self._committed()
        settings = self.cluster.settings
        for topic in (*SOURCES, *(() if self.is_frozen else (EXAMPLES,))):
            numbers = range(partitions_of(topic, settings))
            ends = await self._positions.ends(name_of(topic, settings), numbers)
            if any(committed.get(place, 0) < end for place, end in ends.items()):
                return False
        return True

    async def outcome(self) -> Outcome:
        """What the topics hold; all processes are to have left."""
        outcome = Outcome()
        settings = self.cluster.settings
        numbers = range(settings.partitions)
        records = await self.cluster.records(rows_changelog(settings.app_id).name, numbers)
        for record in rows_that_count(records):
            if record.key.startswith(USER_PREFIX):
                outcome.put_row(record.key.removeprefix(USER_PREFIX).decode(), record.value)
        for topic in TOPICS:
            if topic.has_outputs:
                numbers = range(partitions_of(topic, settings))
                records = await self.cluster.records(name_of(topic, settings), numbers)
                outcome.add(record.value for record in records if record.key != POISON_KEY)
        return outcome

    async def examples_learned(self) -> dict[str, int]:
        """By model, how many examples its newest snapshot has learned."""
        settings = self.cluster.settings
        learned: dict[str, int] = {}

        def keep(name: str, version: snapshots.Version) -> bool:
            try:
                _, header = snapshots.load(name, version, *settings.snapshot_keys)
            except SnapshotRefused:
                return False
            learned[name] = header.examples_seen
            return True

        reader = snapshots.SnapshotReader(keep, lambda _: None)
        reader.read_records(await self.cluster.records(name_of(SNAPSHOTS, settings), [0]))
        return learned

    def destroy(self, slot: Slot) -> None:
        """Delete the folder of a process."""
        shutil.rmtree(slot.state, ignore_errors=True)

    def _add(self, number: int, *command: str) -> None:
        folder = self._folder / (f"worker{number}" if number != TRAINER else "trainer")
        self.slots[number] = Slot(self.settings, folder, command, self.is_frozen)

    def _note_exit(self, slot: Slot) -> None:
        found = slot.exit
        if found.code <= 0 or not found.line:
            raise HarnessError(f"{slot.log}: ended with code {found.code} and said: {found.line}")
        self.exits.append(found)
        if found.code == STALLED:
            # Until a record has stopped each worker so often that it is left out, nothing else moves.
            self._moved_at = asyncio.get_running_loop().time()
            if sum(exit_.code == STALLED for exit_ in self.exits) > MOST_STALLS:
                raise HarnessError(f"{slot.log}: stuck again and again: {found.line}")

    async def _committed(self) -> Places:
        app_id = self.cluster.settings.app_id
        seen = [await self._positions.committed(group) for group in (app_id, f"{app_id}-trainer")]
        self._note_progress(seen)
        return seen[0] | seen[1]

    def _note_progress(self, seen: list[Any]) -> None:
        if seen != self._last_seen:
            self._last_seen = seen
            self._moved_at = asyncio.get_running_loop().time()
