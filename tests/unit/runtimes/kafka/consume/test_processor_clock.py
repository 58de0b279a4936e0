"""A clock that jumps while a partition is busy."""

import asyncio

from support.processor_world import SETTINGS, ProcessorWorld, batch

from stream_app.features.user_row import decode_row
from stream_app.settings.rules import DAY
from stream_app.testing import START, page


def test_sessions_close_after_a_time_without_events_and_not_when_the_clock_jumps() -> None:
    world = ProcessorWorld()
    processor = world.processor()

    def open_sessions() -> int:
        return len(decode_row(world.rows[0][b"ua"]).open_sessions)

    async def scenario() -> None:
        await (await processor.process(batch(page("a", 0))))
        for shift in (10 * DAY, -10 * DAY):
            world.now = START + shift
            await processor.close_idle({0})
            assert open_sessions() == 1
        world.now, world.elapsed = START + DAY, SETTINGS.session_gap + 1
        await processor.close_idle({0})
        assert open_sessions() == 0

    asyncio.run(scenario())
