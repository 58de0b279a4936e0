"""Inputs through the collector, the embedded runtime and Kafka, and what became of the good ones."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from hostile.inputs import GOOD_USER, Input
from support.collector_process import address, collector_process
from support.kafka_cluster import Cluster, until

from load_tests.broker import Broker, free_port
from stream_app.features.user_row import MAX_ROW_BYTES, UserRow, encode_row
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.runtimes.kafka.operate.feeding import LONGEST_EVENT_BYTES, spread_by_user
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules
from stream_app.testing import FixedModels, RecordedSource

PATHS = ("/v1/batch", "/v1/track", "/v1/page", "/batch", "/capture", "/2/httpapi", "/track", "/mp/collect")
PARTITIONS = 2
STEP = 500  # records to be answered before a deadline begins anew
LONGEST_KEY = b"k" * (LONGEST_EVENT_BYTES // 2)


@dataclass
class Outcome:
    """What became of inputs: the seconds that each took, and good events that are lost.

    `unanswered` are records, or requests, without a result of their own.
    """

    seconds: list[float] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    surplus: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    largest_row: int = 0

    def compare(self, inputs: Iterable[Input], rows: Mapping[str, UserRow]) -> None:
        """Hold the rows against the good events that were sent."""
        sent = Counter(each.user for each in inputs if each.user)
        counted = Counter(
            {user: row.kinds["page"].count for user, row in rows.items() if user.startswith(GOOD_USER)}
        )
        self.lost, self.surplus = sent - counted, counted - sent
        self.largest_row = max(len(encode_row(row)) for row in rows.values())

    @property
    def is_whole(self) -> bool:
        """Whether no good event was lost or counted twice, and everything was answered."""
        fits = self.largest_row <= MAX_ROW_BYTES
        return fits and not (self.lost or self.surplus or self.unanswered)


class _Timed(RecordedSource):
    """A source that notes the time between one record and the next, which is what work on it takes."""

    def __init__(self, values: Sequence[bytes], seconds: list[float]) -> None:
        super().__init__(values, is_live=True)
        object.__setattr__(self, "seconds", seconds)

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """The values after the first `skip`."""
        for record in super().records(skip):
            begun_at = time.perf_counter()
            yield record
            self.seconds.append(time.perf_counter() - begun_at)  # type: ignore[attr-defined]


def replay(inputs: Sequence[Input], folder: Path, now: float) -> Outcome:
    """Through the embedded runtime, one record a round."""
    outcome, metrics = Outcome(), Metrics()
    with Store(folder) as store:
        replaying = Replay(
            store,
            FixedModels(),
            Rules(),
            metrics,
            lambda: now,
            PARTITIONS,
            round_records=1,
            checkpoint_rounds=20,
        )
        replaying.run(_Timed([each.value for each in inputs], outcome.seconds), lambda *_: None)
        outcome.compare(inputs, {user: row for _, user, row in store.rows()})
    outcome.unanswered = len(inputs) - _answered(metrics)
    return outcome


def work(
    inputs: Sequence[Input], broker: Broker, prefix: str, folder: Path, batch_records: int = 100
) -> Outcome:
    """Through a worker on Kafka, keys as large as a topic takes among them; of each batch its time."""
    return asyncio.run(_work(inputs, broker, prefix, folder, batch_records))


async def _work(
    inputs: Sequence[Input], broker: Broker, prefix: str, folder: Path, batch_records: int
) -> Outcome:
    outcome, metrics = Outcome(), _TimedMetrics()
    outcome.seconds = metrics.seconds
    cluster = Cluster(
        broker.bootstrap_servers, prefix, folder, partitions=PARTITIONS, batch_records=batch_records
    )
    await cluster.create_topics()
    sent = 0
    values = [each.value[:LONGEST_EVENT_BYTES] for each in inputs]
    for partition, messages in spread_by_user(values, PARTITIONS, Rules()).items():
        await cluster.produce([(LONGEST_KEY, b"{"), *messages, (None, None)], partition)
        sent += len(messages) + 2
    async with cluster.worker(FixedModels().models, metrics, time.time) as app:
        for goal in (*range(STEP, sent, STEP), sent):  # as long as it goes on, however many there are
            await until(partial(_has_answered, metrics, goal), app)
    outcome.compare(inputs, await cluster.rows())
    outcome.unanswered = sent - _answered(metrics)
    return outcome


class _TimedMetrics(Metrics):
    """Metrics that keep the time of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def count_batch(self, seconds: float) -> None:
        """Count one batch."""
        self.seconds.append(seconds)
        super().count_batch(seconds)


def collect(inputs: Sequence[Input], folder: Path) -> Outcome:
    """Through a collector before a data folder, each a request of its own to any of its addresses."""
    settings = Settings(collector_port=free_port(), metrics_port=0, collector_rate=1e9, collector_burst=10**9)
    data, outcome = folder / "data", Outcome()
    with collector_process(settings, folder, "--data-dir", str(data)) as process:
        with httpx.Client(base_url=address(settings), timeout=60.0) as client:
            for number, each in enumerate(inputs):
                path, headers = PATHS[number % len(PATHS)], {"content-type": "application/json"}
                if each.user:
                    path = "/v1/batch"
                elif each.value[:2] == b"\x1f\x8b":
                    headers["content-encoding"] = "gzip"
                content = b'{"batch":[%s]}' % each.value if each.user else each.value
                begun_at = time.perf_counter()
                answer = client.post(path, content=content, headers=headers)
                outcome.seconds.append(time.perf_counter() - begun_at)
                is_refused = answer.status_code != 200 if each.user else answer.status_code >= 500
                outcome.unanswered += is_refused
        assert process.terminate() == 0, process.log.read_text()
    with Store(data, read_only=True) as store:
        outcome.compare(inputs, {user: row for _, user, row in store.rows()})
    return outcome


def _has_answered(metrics: Metrics, count: int) -> bool:
    return _answered(metrics) >= count


def _answered(metrics: Metrics) -> int:
    """Records that came to something; messages between rows are no inputs."""
    return sum(
        round(sample.value)
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "stream_app_events_total"
        and sample.labels["type"] != "identity"
        and sample.labels["outcome"] != "forwarded"
    )
