"""`stream-app trainer` as a process: kills make no difference to what it learns."""

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.dying_kafka_trainer import die_at
from support.kafka_cluster import Cluster
from support.worker_process import DEADLINE_SECONDS, WorkerProcess, worker_process

from load_tests.broker import Broker
from stream_app.learning.ports import Features
from stream_app.models import snapshot, targets
from stream_app.models.content.model import LABEL_STARTERS, ContentModel
from stream_app.models.learning import AnyModel, ClassificationModel, Example
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.models import snapshots
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.outputs import ItemOutcome, ItemOutcomes, Output, SourcePosition, TrainingExample
from stream_app.schemas.topics import EXAMPLES, SNAPSHOTS

pytestmark = pytest.mark.kafka

TIER, SCORE = targets.TIER.name, targets.ENGAGEMENT.name
# Enough of each that its model is ready and has been refitted.
TIERS, SCORES, OUTCOMES = 110, 220, 210
ITEMS, TOLD_STARTS = 12, 300
BLOCKS = ITEMS * (TOLD_STARTS // ITEMS // LABEL_STARTERS)
COUNTS = {TIER: TIERS, SCORE: SCORES + BLOCKS, **dict.fromkeys(targets.OUTCOMES, OUTCOMES)}
STARTS, STARTS_TOLD_AT_ONCE = "starts", 5
AT = datetime(2026, 3, 2, tzinfo=UTC)
REPEATED = 40
KILLS = 4
MOMENTS = (4, 10)  # of a life: batches alone have as many, and snapshots come from the 3rd on


@pytest.mark.parametrize("seed", [1])
def test_a_trainer_killed_at_random_moments_ends_with_the_same_models(
    seed: int, broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    chance = Random(seed)
    examples = _examples(chance)
    split = chance.randrange(450, 500)
    again = chance.randrange(REPEATED, split)
    # A crash between outputs and rows sends examples again, at other offsets.
    early = examples[:again] + examples[:REPEATED] + examples[again:split]
    late = examples[:REPEATED] + examples[split:]
    spared = _cluster(broker, f"{topic_prefix}a-", tmp_path)
    killed = _cluster(broker, f"{topic_prefix}b-", tmp_path)
    asyncio.run(_send(spared, early + late))
    asyncio.run(_send(killed, early))
    deaths = [partial(die_at, chance.randint(*MOMENTS)) for _ in range(KILLS)]
    deaths.append(partial(die_at, 2, among=("commit",)))  # what is committed is not read again
    with ExitStack() as lives:
        life = lives.enter_context(worker_process(spared.settings, tmp_path / "a", "trainer"))
        for dying in deaths:
            with worker_process(killed.settings, tmp_path / "b", "trainer", before=dying) as trainer:
                assert trainer.process.wait(DEADLINE_SECONDS) == -signal.SIGKILL
        asyncio.run(_send(killed, late))
        last = lives.enter_context(worker_process(killed.settings, tmp_path / "b", "trainer"))
        never_killed, often_killed = _learned_all(spared, life), _learned_all(killed, last)
    for name, learned in COUNTS.items():
        assert often_killed[name].examples_seen == never_killed[name].examples_seen == learned
        assert _seen_of(often_killed[name]) == _seen_of(never_killed[name])


def test_a_trainer_refuses_to_go_on_without_what_it_knew(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = _cluster(broker, topic_prefix, tmp_path)
    asyncio.run(_send(cluster, [_example(TIER, 0)]))
    with worker_process(cluster.settings, tmp_path / "a", "trainer") as trainer:
        trainer.wait_for(lambda: bool(_newest(cluster)))
    asyncio.run(_send(cluster, [_example(TIER, 1)]))
    with worker_process(cluster.settings, tmp_path / "b", "trainer", before=_upgrade_river) as trainer:
        assert trainer.process.wait(DEADLINE_SECONDS) == 3
        assert "start over as docs/operations.md says under Upgrade" in trainer.last_line


def _upgrade_river() -> None:
    present = snapshot.library_versions()
    snapshot.library_versions = lambda: {**present, "river": "99.0.0"}


def _cluster(broker: Broker, prefix: str, folder: Path) -> Cluster:
    return Cluster(
        broker.bootstrap_servers,
        prefix,
        folder,
        partitions=1,
        session_timeout=2,
        batch_records=90,
        snapshot_examples=150,
        snapshot_interval=3,
    )


async def _send(cluster: Cluster, examples: Sequence[Output]) -> None:
    await cluster.create_topics()
    async with BulkProducer(cluster.settings) as producer:
        messages = [(None, example.model_dump_json().encode()) for example in examples]
        await producer.send(name_of(EXAMPLES, cluster.settings), 0, messages)


def _learned_all(cluster: Cluster, trainer: WorkerProcess) -> dict[str, AnyModel]:
    """The models of the newest snapshots, once these contain all examples."""

    def has_learned_all() -> bool:
        return sum(model.examples_seen for model in _newest(cluster).values()) >= sum(COUNTS.values())

    trainer.wait_for(has_learned_all)
    return _newest(cluster)


def _newest(cluster: Cluster) -> dict[str, AnyModel]:
    """By name, the models of the newest snapshots."""
    reader = snapshots.SnapshotReader(lambda *_: True, list[Any]().append)
    reader.read_records(asyncio.run(cluster.records(name_of(SNAPSHOTS, cluster.settings), [0])))
    key = cluster.settings.required_snapshot_key
    return {name: snapshots.load(name, version, key)[0] for name, version in reader.newest.items()}


def _seen_of(model: AnyModel) -> dict[str, object]:
    """All that can be seen of a model: what each part of it answers, and then how it learns on."""
    probes = [_features(Random(number)) for number in range(40)]
    seen: dict[str, object] = {
        "answers": model.predict_many(probes),
        "scores": model.scores(),
        "contest": model.contest,
        "drifts": model.drift.counts,
    }
    if isinstance(model, ClassificationModel):
        seen["learners"] = {name: one.predict_proba_many(probes) for name, one in model.learners.items()}
        seen["clusters"] = model.clusters_of(probes)
    else:
        seen["learners"] = {name: one.predict_many(probes) for name, one in model.learners.items()}
    if isinstance(model, ContentModel):
        seen["items"] = model.scores_of([f"item-{number}" for number in range(ITEMS)])
    seen["learning on"] = model.learn_many([Example(x, _label(model.name, x)) for x in probes])
    return seen


def _examples(chance: Random) -> list[Output]:
    """What all models learn from, in an order of chance."""
    wanted = [TIER] * (TIERS - 1) + [SCORE] * SCORES + ["will_return"] * OUTCOMES
    wanted += [STARTS] * (TOLD_STARTS // STARTS_TOLD_AT_ONCE)
    chance.shuffle(wanted)
    wanted.append(TIER)  # once it has been learned, all has
    begun = count()
    return [
        _starts(number, begun) if target == STARTS else _example(target, number)
        for number, target in enumerate(wanted)
    ]


def _example(target: str, number: int) -> TrainingExample:
    features = _features(Random(number))
    others = {"churn", "purchase"} if target == "will_return" else set()
    return TrainingExample(
        **_envelope(number),
        user_key=f"user-{number}",
        target=target,
        features=dict(features),
        label=_label(target, features),
        other_labels={other: _label(other, features) for other in others},
    )


def _starts(number: int, begun: Iterator[int]) -> ItemOutcomes:
    """What became of the next starts; scores fall due now and then."""
    envelope = _envelope(number)
    outcomes = [
        ItemOutcome(
            item_id=f"item-{start % ITEMS}",
            started_at=envelope["as_of"] - timedelta(days=7),
            is_completed=Random(start).random() < start % ITEMS / ITEMS,
            uses=1 + start % 3,
            has_returned=start % 2 == 0,
            features={"lessons": float(start % ITEMS)},
        )
        for start in islice(begun, STARTS_TOLD_AT_ONCE)
    ]
    return ItemOutcomes(**envelope, user_key=f"user-{number}", outcomes=outcomes)


def _envelope(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "as_of": AT + timedelta(minutes=10 * number),
        "emitted_at": datetime.now(UTC),
        "source": SourcePosition(topic="clickstream.events.v1", partition=0, offset=number),
    }


def _features(random: Random) -> Features:
    return {"visits": random.uniform(0, 12), "noise": random.random(), "device": random.choice("ab")}


def _label(target: str, features: Features) -> Any:
    visits = float(features["visits"]) + 3 * float(features["noise"])
    if target == TIER:
        return 1 + (visits > 6) + (visits > 9)
    return 6 * visits if target == SCORE else (visits > 7) == (target != "churn")
