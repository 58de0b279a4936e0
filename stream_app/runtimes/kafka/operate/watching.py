"""Watches a running app: whether the brokers answer, and whether waiting records are processed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted

from stream_app.errors import BrokerError, StalledError
from stream_app.observability.metrics import Metrics
from stream_app.observability.watchdog import Backlog, Watchdog
from stream_app.runtimes.kafka.consume.app import StreamApp
from stream_app.runtimes.kafka.operate.access import connect
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.topic_facts import TopicFacts, read_facts
from stream_app.runtimes.kafka.operate.topics import source_names
from stream_app.runtimes.kafka.state.origins import made_anew
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)

# Their sum is the time within which a lost broker is reported.
WATCH_SECONDS = 0.9
ANSWER_SECONDS = 2.0
ASK_SECONDS = 5.0
LOOKS_PER_LIMIT = 10
MISSED_LOOKS = 3  # a freshly started broker may not know a topic yet
START, REBALANCE = "the start", "the rebalance of the group"


class Watch:
    """Queries the brokers every few seconds over its own connections, because the app's are being watched."""

    def __init__(
        self,
        app: StreamApp,
        settings: Settings,
        metrics: Metrics,
        sources: Mapping[str, TopicFacts] = MappingProxyType({}),
    ) -> None:
        """`sources` are the facts of the source topics at the start, by declared name."""
        self._sources = sources
        self._source_names = source_names(settings)
        self._missed = 0
        self._app = app
        self._settings = settings
        self._metrics = metrics
        # Processed records count as waiting until they are committed.
        self._limit = settings.stall_timeout + app.longest_uncommitted
        self._late = settings.stall_timeout / 2 + app.longest_uncommitted
        self._pause = min(WATCH_SECONDS, self._limit / LOOKS_PER_LIMIT)
        self._watchdog: Watchdog[TopicPartition | str] = Watchdog(self._pause + ASK_SECONDS)
        self._without_records: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            AccessError: the brokers deny access. BrokerError: none has answered for `kafka_timeout`; Faust
            itself would wait forever. StalledError: records have waited for `stall_timeout` and none was
            processed.
        """
        admin = await connect(self._settings)
        consumer = AIOKafkaConsumer(
            **client_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await consumer.start()
            await self._watch(admin, consumer)
        except KafkaError as error:
            raise BrokerError(f"the broker cannot be watched: {error!r}") from error
        finally:
            await consumer.stop()
            await admin.close()

    async def _watch(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        loop = asyncio.get_running_loop()
        answered_at = loop.time()
        while True:
            try:
                async with asyncio.timeout(min(ANSWER_SECONDS, self._settings.kafka_timeout)):
                    await consumer.topics()
            except (KafkaError, OSError) as error:
                self._tell_silence(loop.time() - answered_at, error)
            else:
                answered_at = loop.time()
                self._metrics.broker_silence.set(0)
                await self._compare_topics(admin)
                await self._look(admin, consumer, loop.time())
            await asyncio.sleep(self._pause)

    async def _compare_topics(self, admin: AIOKafkaAdminClient) -> None:
        if not self._sources:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS):
                facts = await read_facts(admin, self._source_names)
        except (KafkaError, OSError) as error:
            log.warning("the topics cannot be looked up: %r", error)
            return
        self._missed = self._missed + 1 if len(facts) < len(self._source_names) else 0
        if self._missed >= MISSED_LOOKS:
            missing = ", ".join(sorted(self._source_names.keys() - facts.keys()))
            raise BrokerError(
                f"topics are gone ({missing}): run `stream-app topics create`, then "
                "`stream-app positions reset`"
            )
        for name, found in facts.items():
            known = self._sources[self._source_names[name]]
            if found.topic_id != known.topic_id:
                raise made_anew(name)
            if found.partitions != known.partitions:
                raise BrokerError(
                    f"{name} has {found.partitions} partitions now, and had {known.partitions}: what is in "
                    "the new ones is not read; see `More partitions` in docs/operations.md"
                )

    def _tell_silence(self, seconds: float, error: Exception) -> None:
        self._metrics.broker_silence.set(seconds)
        self._metrics.health.report(f"no broker has answered for {seconds:.0f} s")
        left = max(self._settings.kafka_timeout - seconds, 0.0)
        log.warning("no broker has answered for %.0f s (%.0f s more): %r", seconds, left, error)
        if not left:
            raise BrokerError(
                f"the broker is lost: {self._settings.kafka_servers} did not answer for {seconds:.0f} s"
            ) from error

    async def _look(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, now: float) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                backlogs = await self._backlogs(admin, consumer)
        except (KafkaError, OSError) as error:
            # For example a partition without a leader: the brokers answer, but its records cannot be read.
            log.warning("cannot determine the waiting records: %r", error)
            return
        self._watchdog.look(backlogs, now, self._work_that_comes_first())
        self._metrics.stalled.set(self._watchdog.longest_wait)
        trouble = ""
        for place, waited in self._watchdog.waiting(self._late).items():
            if not isinstance(place, str) and not await self._has_record(consumer, place, backlogs[place]):
                continue
            if waited > self._limit:
                raise StalledError(self._describe(place, backlogs[place]))
            trouble = f"records have waited unprocessed for {waited:.0f} s"
        self._metrics.health.report(trouble)

    async def _backlogs(
        self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer
    ) -> dict[TopicPartition | str, Backlog]:
        app = self._app
        try:
            assigned = _assigned_sources(app)
        except ConsumerNotStarted:
            return {START: Backlog(0, 1)}
        if app.rebalancing:
            return {REBALANCE: Backlog(0, 1)}
        committed = (
            await admin.list_consumer_group_offsets(app.conf.id, partitions=assigned) if assigned else {}
        )
        # While a group's coordinator moves or loads, the broker may omit some of the requested offsets.
        handled = {
            partition: max(committed[partition].offset, 0) for partition in assigned if partition in committed
        }
        handled |= {follower.partition: follower.next_offset for follower in app.followers}
        ends = await consumer.end_offsets(list(handled)) if handled else {}
        return {
            partition: Backlog(max(offset, self._without_records.get(partition, 0)), ends[partition])
            for partition, offset in handled.items()
        }

    def _work_that_comes_first(self) -> object:
        """What changes while rows are recovered and models are loaded, when nothing else is processed."""
        app = self._app
        recovered = tuple(app.tables.recovery.active_offsets.values()) if app.in_recovery else ()
        followed = tuple(
            follower.next_offset
            for follower in app.followers
            if not all(other.is_caught_up for other in app.followers)
        )
        return recovered, followed

    async def _has_record(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, backlog: Backlog
    ) -> bool:
        """Whether a record is really waiting: transaction markers also occupy offsets."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                beginning = (await consumer.beginning_offsets([partition]))[partition]
                consumer.assign([partition])
                consumer.seek(partition, max(backlog.handled, beginning))
                while await consumer.position(partition) < backlog.end:
                    if await consumer.getmany(partition, timeout_ms=int(ASK_SECONDS * 1000), max_records=1):
                        return True
        except (KafkaError, OSError) as error:
            log.warning("%s, partition %d cannot be read: %r", *partition, error)
            return False
        finally:
            consumer.unsubscribe()
        self._without_records[partition] = backlog.end
        return False

    def _describe(self, place: TopicPartition | str, backlog: Backlog) -> str:
        again = "start it again, and report it if it comes back"
        if isinstance(place, str):
            return f"{place} has not ended for {self._limit:.0f} s: {again}"
        waiting = backlog.end - backlog.handled
        is_processing = self._app.consumer.is_processing(place)
        doing = "a batch of them has not been finished" if is_processing else "none was fetched"
        return (
            f"{waiting} records of {place.topic}, partition {place.partition} have waited from offset "
            f"{backlog.handled} on for {self._limit:.0f} s and {doing}: {again}"
        )


def _assigned_sources(app: StreamApp) -> list[TopicPartition]:
    """Assigned partitions of the source topics.

    Raises:
        ConsumerNotStarted: there is no assignment yet.
    """
    changelogs = app.tables.changelog_topics
    assigned = app.consumer.assignment()
    return [TopicPartition(*partition) for partition in assigned if partition.topic not in changelogs]
