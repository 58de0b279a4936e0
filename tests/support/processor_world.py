"""What a processor stands on, in memory: a table and a producer whose acknowledgements can be held back."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.consume.processor import Processor
from stream_app.runtimes.kafka.consume.transport import RecordBatch
from stream_app.runtimes.kafka.state.stored_partition import times_of
from stream_app.schemas.outputs import Output
from stream_app.schemas.topics import EVENTS
from stream_app.settings.environment import Settings
from stream_app.testing import RECEIVED_AT, START, FixedModels

SETTINGS = Settings(snapshot_key="sixteen-and-more-characters")


class ProcessorWorld:
    """`begun` are sends and writes in their order as (what, partition); both clocks are set by the test."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[bytes, bytes]] = {}
        self.outputs: list[bytes] = []
        self.begun: list[tuple[str, int]] = []
        self.is_held = False
        self.held: deque[asyncio.Future[None]] = deque()
        self.now = START + 10
        self.elapsed = 0.0
        self.metrics = Metrics(clock=lambda: self.now)
        self.models = FixedModels().models

    def processor(self, settings: Settings = SETTINGS) -> Processor:
        return Processor(
            settings,
            self,  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
            lambda: self.models,
            lambda output: output,
            self.metrics,
            lambda: self.now,
            lambda: self.elapsed,
        )

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.rows.get(partition, {}).get(key)

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        stored = self.rows.get(partition, {})
        return ((key, stored[key]) for key in sorted(stored) if key.startswith(prefix))

    def times(self, partition: int, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return [(key, times_of(key, row) or b"") for key, row in self.scan(partition, prefix)]

    async def write(
        self, partition: int, changes: Mapping[bytes, bytes | None], _times: Mapping[bytes, bytes]
    ) -> None:
        self.begun.append(("rows", partition))
        await self._acknowledgement()
        stored = self.rows.setdefault(partition, {})
        for key, row in changes.items():
            if row is None:
                stored.pop(key, None)
            else:
                stored[key] = row

    def encode_outputs(self, outputs: Iterable[Output], partition: int) -> dict[tuple[str, int], Any]:
        return {("outputs", partition): [output.encode() for output in outputs]}

    def encode_sent(self, _sent: Iterable[Any]) -> dict[tuple[str, int], Any]:
        return {}

    async def send_all(self, messages: Mapping[tuple[str, int], Sequence[bytes]]) -> None:
        for place, sent in messages.items():
            self.begun.append(place)
            self.outputs += sent
            await self._acknowledgement()

    async def _acknowledgement(self) -> None:
        if self.is_held:
            self.held.append(asyncio.get_running_loop().create_future())
            await self.held[-1]


def batch(*values: bytes | None, partition: int = 0, first: int = 0, age: float = 0.0) -> RecordBatch:
    """Events of one partition from an offset on, received `age` seconds before `RECEIVED_AT`."""
    received_ms = int((RECEIVED_AT - age) * 1_000)
    records = [
        SimpleNamespace(offset=offset, key=None, value=value, timestamp=received_ms)
        for offset, value in enumerate(values, start=first)
    ]
    return RecordBatch(EVENTS.name, partition, records)  # type: ignore[arg-type]
