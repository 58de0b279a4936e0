import asyncio
from collections import Counter
from dataclasses import replace

import orjson
import pytest
from support.processor_world import SETTINGS, ProcessorWorld, batch

from stream_app.core.partition import Partition
from stream_app.learning.model_adapters import TierScorer
from stream_app.models.learning import Example
from stream_app.models.targets import tier_model
from stream_app.runtimes.kafka.state.stored_partition import META_KEY
from stream_app.settings.rules import Rules
from stream_app.testing import session

USERS = 120


def learned(examples: int) -> TierScorer:
    scorer = TierScorer(tier_model())
    scorer.model.learn_many([Example({"uses": float(n % 5)}, 3 if n % 9 else 1) for n in range(examples)])
    return scorer


@pytest.mark.parametrize("within", [60.0, 7.0])
def test_all_users_are_scored_by_a_new_model_within_the_time_set_and_no_faster(within):
    async def scenario() -> None:
        world = ProcessorWorld()
        processor = world.processor(SETTINGS.model_copy(update={"rescore_within": within}))
        sessions = [session(f"u{n}", 10.0 * n, 30, 2) for n in range(USERS)]
        await (await processor.process(batch(*sessions, partition=1)))
        await processor.score_again({1})
        before = len(world.outputs)
        assert not told(world, "high")
        world.models = replace(world.models, tiers=learned(150))
        for second in range(int(within)):
            await processor.score_again({0, 1})
            counts = Counter(told(world, "high"))
            assert len(counts) <= (second + 1) * -(-USERS // within)
        assert counts == Counter({f"u{n}": 1 for n in range(USERS)})
        for _ in range(int(within)):
            await processor.score_again({1})
        assert len(world.outputs) == before + USERS
        await processor.forget(1)
        await processor.score_again({1})  # it has moved elsewhere

        other = world.processor()
        await other.close_idle({1})
        await other.score_again({1})
        assert len(world.outputs) == before + USERS  # what was swept is stored beside the rows

    asyncio.run(scenario())


def test_once_nothing_has_come_for_as_long_as_a_sweep_takes_whatever_was_learned_is_enough():
    async def scenario() -> None:
        world = ProcessorWorld()
        processor = world.processor(SETTINGS.model_copy(update={"rescore_within": 60.0}))
        await (await processor.process(batch(session("u", 0, 30, 2))))
        world.models = replace(world.models, tiers=learned(150))
        await processor.score_again({0})
        more = learned(160)
        more.model.learn_many([Example({"uses": 1.0}, 3)] * 20)  # less than a quarter more
        world.models = replace(world.models, tiers=more)
        for elapsed, is_caught_up in ((59.0, False), (60.0, True), (120.0, True)):
            world.elapsed = elapsed
            await processor.score_again({0})
            stored = Partition(0, Rules(), world.rows[0][META_KEY]).meta
            assert stored.swept["engagement_tier"] == (180 if is_caught_up else 150)

    asyncio.run(scenario())


def told(world: ProcessorWorld, tier: str) -> list[str]:
    outputs = [orjson.loads(output) for output in world.outputs]
    return [output["user_key"] for output in outputs if output.get("tier_name") == tier]
