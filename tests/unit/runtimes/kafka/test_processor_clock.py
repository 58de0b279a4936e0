"""A clock that jumps while a partition is busy."""

import asyncio
from collections.abc import Iterator, Mapping
from types import SimpleNamespace

from schemas.topics import EVENTS
from stream_app.core.rules import DAY
from stream_app.core.user_row import decode_row
from stream_app.metrics import Metrics
from stream_app.runtimes.kafka.processor import Processor
from stream_app.runtimes.kafka.transport import RecordBatch
from stream_app.settings import Settings
from stream_app.testing import RECEIVED_AT, START, FixedModels, page

SETTINGS = Settings(snapshot_key="sixteen-and-more-characters")


class World:
    """A table in memory, a producer that keeps nothing, and both clocks."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.now = START + 10
        self.elapsed = 0.0

    def get(self, _partition: int, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def scan(self, _partition: int) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.rows.items())

    async def write(self, _partition: int, changes: Mapping[bytes, bytes]) -> None:
        self.rows.update(changes)

    async def send_outputs(self, *_: object) -> None:
        """Keep nothing."""

    async def send_messages(self, _messages: object) -> None:
        """Keep nothing."""

    @property
    def open_sessions(self) -> int:
        return len(decode_row(self.rows[b"ua"]).open_sessions)


def test_sessions_close_after_a_time_without_events_and_not_when_the_clock_jumps() -> None:
    world = World()
    processor = Processor(
        SETTINGS,
        world,
        world,
        lambda: FixedModels().models,
        lambda output: output,
        Metrics(clock=lambda: world.now),
        lambda: world.now,
        lambda: world.elapsed,
    )
    record = SimpleNamespace(offset=0, key=None, value=page("a", 0), timestamp=int(RECEIVED_AT * 1_000))

    async def scenario() -> None:
        await processor.process(RecordBatch(EVENTS.name, 0, [record]))
        for shift in (10 * DAY, -10 * DAY):
            world.now = START + shift
            await processor.close_idle({0})
            assert world.open_sessions == 1
        world.now, world.elapsed = START + DAY, SETTINGS.session_gap + 1
        await processor.close_idle({0})
        assert world.open_sessions == 0

    asyncio.run(scenario())
