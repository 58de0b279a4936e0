"""Batches are computed ahead of what is still being written, and on the broker everything keeps its order."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import TypeVar

import pytest
from support.processor_world import SETTINGS, ProcessorWorld, batch

from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.consume import ordered_writes
from stream_app.schemas.topics import EVENTS
from stream_app.testing import page, random_events

Result = TypeVar("Result")
LOST = BrokerError("not acknowledged")
OUTPUTS, ROWS = ("outputs", 0), ("rows", 0)
DEADLINE_SECONDS = 20.0


def run(scenario: Coroutine[None, None, Result]) -> Result:
    return asyncio.run(asyncio.wait_for(scenario, DEADLINE_SECONDS))


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def quiet() -> None:
    """Let everything go on that can, without anything being acknowledged."""
    for _ in range(50):
        await asyncio.sleep(0)


async def acknowledge(world: ProcessorWorld) -> None:
    """Acknowledge what has been held back for longest, and let what follows from it begin."""
    await until(lambda: world.held)
    world.held.popleft().set_result(None)
    await quiet()


def test_a_batch_is_computed_while_the_one_before_waits_and_written_after_it():
    async def scenario() -> None:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(), True
        first = await processor.process(batch(page("a", 0)))
        second = await processor.process(batch(page("a", 60), first=1))
        assert processor.next_offset(EVENTS.name, 0) == 2
        order = [OUTPUTS, ROWS, OUTPUTS, ROWS]
        for begun in range(1, 5):
            await quiet()
            assert world.begun == order[:begun]
            assert (first.done(), second.done()) == (begun > 2, False)
            await acknowledge(world)
        await second

    run(scenario())


def test_rows_are_written_as_they_were_when_their_batch_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ordered_writes, "AHEAD", 2)

    async def rows_after_two(computed: int) -> dict[bytes, bytes]:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(), True
        for number in range(computed):
            await processor.process(batch(page("a", 60 * number), first=number))
        for _ in range(2):
            for _ in (OUTPUTS, ROWS):
                await acknowledge(world)
        return world.rows[0]

    async def scenario() -> None:
        assert await rows_after_two(computed=3) == await rows_after_two(computed=2)

    run(scenario())


def test_computing_ahead_changes_no_row_and_no_output():
    few_hot_rows = SETTINGS.model_copy(update={"hot_rows": 1})
    values = random_events(Random(5), 400, users=20)
    batches = [batch(*values[begin : begin + 7], first=begin) for begin in range(0, len(values), 7)]

    async def process_all(is_ahead: bool) -> ProcessorWorld:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(few_hot_rows), is_ahead

        async def acknowledge_late() -> None:
            while True:
                await acknowledge(world)
                await asyncio.sleep(0.0005)

        acknowledging = asyncio.create_task(acknowledge_late()) if is_ahead else None
        for records in batches:
            written = await processor.process(records)
            if not is_ahead:
                await written
        await written
        if acknowledging is not None:
            acknowledging.cancel()
        return world

    ahead, one_by_one = run(process_all(is_ahead=True)), run(process_all(is_ahead=False))
    assert ahead.rows == one_by_one.rows
    assert ahead.outputs == one_by_one.outputs


def test_partitions_do_not_wait_for_each_other():
    async def scenario() -> None:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(), True
        await processor.process(batch(page("a", 0)))
        held = world.held.popleft()
        other = await processor.process(batch(page("b", 0), partition=1))
        for _ in (OUTPUTS, ROWS):
            await acknowledge(world)
        await other
        assert world.begun == [OUTPUTS, ("outputs", 1), ("rows", 1)]
        held.cancel()

    run(scenario())


def test_one_batch_is_computed_ahead_and_no_more():
    async def scenario() -> None:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(), True
        for number in range(2):
            await processor.process(batch(page("a", number), first=number))
        third = asyncio.create_task(processor.process(batch(page("a", 2), first=2)))
        await quiet()
        assert processor.next_offset(EVENTS.name, 0) == 2
        for _ in (OUTPUTS, ROWS):
            await acknowledge(world)
        await third
        assert processor.next_offset(EVENTS.name, 0) == 3

    run(scenario())


@pytest.mark.parametrize(("acknowledged", "begun"), [(0, [OUTPUTS]), (1, [OUTPUTS, ROWS])])
def test_nothing_is_written_after_a_failure(acknowledged: int, begun: list[tuple[str, int]]):
    async def raises(awaitable: Awaitable[object]) -> None:
        with pytest.raises(BrokerError) as raised:
            await awaitable
        assert raised.value is LOST

    async def scenario() -> None:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(), True
        first = await processor.process(batch(page("a", 0)))
        second = await processor.process(batch(page("a", 60), first=1))
        for _ in range(acknowledged):
            await acknowledge(world)
        world.held.popleft().set_exception(LOST)
        await raises(first)
        await raises(second)
        await raises(processor.process(batch(page("a", 90), first=2)))
        await raises(processor.process(batch(page("b", 90), partition=1)))
        await raises(processor.forget(0))
        assert world.begun == begun
        assert world.rows == {}

    run(scenario())


def test_nothing_is_written_after_a_write_that_was_broken_off():
    async def scenario() -> None:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(), True
        first = await processor.process(batch(page("a", 0)))
        second = await processor.process(batch(page("a", 60), first=1))
        first.cancel()
        with pytest.raises(BrokerError, match="broken off"):
            await second
        assert world.begun == [OUTPUTS]

    run(scenario())


def test_a_partition_is_forgotten_when_its_last_write_is_done():
    async def scenario() -> None:
        world = ProcessorWorld()
        processor, world.is_held = world.processor(), True
        written = await processor.process(batch(page("a", 0)))
        forgetting = asyncio.create_task(processor.forget(0))
        await quiet()
        assert processor.next_offset(EVENTS.name, 0) == 1
        for _ in (OUTPUTS, ROWS):
            await acknowledge(world)
        await forgetting
        assert written.done()
        assert processor.next_offset(EVENTS.name, 0) is None
        # Whoever had it meanwhile may have changed the row.
        world.rows.clear()
        world.is_held = False
        await (await processor.process(batch(page("a", 60))))
        fresh = ProcessorWorld()
        await (await fresh.processor().process(batch(page("a", 60))))
        assert world.rows == fresh.rows

    run(scenario())


def test_a_partition_that_moves_away_is_not_looked_at_for_idle_sessions():
    async def scenario() -> None:
        world = ProcessorWorld()
        processor = world.processor()
        await (await processor.process(batch(page("b", 0), partition=1)))
        world.is_held = True
        for number in range(2):
            await processor.process(batch(page("a", 60 * number), first=number))
        closing = asyncio.create_task(processor.close_idle({0, 1}))  # waits for room in the first
        await quiet()
        await processor.forget(1)
        for _ in range(2):
            for _ in (OUTPUTS, ROWS):
                await acknowledge(world)
        await closing
        assert processor.next_offset(EVENTS.name, 1) is None

    run(scenario())
