"""What learning costs the hot path of a worker on Kafka, in microseconds of CPU time an event.

    python tests/benchmarks/learning_bench.py [--users 300] [--days 14]

A simulated stream: its first part teaches the models and fills rows and index, its last `MEASURED` share
is timed, with every score and list that a worker gives and its outputs as bytes. A worker with learning off
meets no label, notes neither moments nor starts of items, and keeps its recommender's index as it is. One
with learning on does all this, and learns the sessions that it closed as `LoadedModels` takes them from
their topic. The trainer's part is not a worker's. As ever fewer clicks are judged, the recommender has met
`SESSIONS_BEFORE` sessions: those of the first part, again and again. Off and on take turns; each batch
counts with its least time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from aiokafka import ConsumerRecord
from pydantic import SecretStr

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.row_times import pack_times, unpack_times
from stream_app.core.step import step
from stream_app.evaluation.examples import SilentRecommender, SilentTierModel
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.learning.model_adapters import OutcomeScorer, SessionRecommender, TierScorer
from stream_app.learning.ports import Learner, Models
from stream_app.learning.trainer import Trainer, by_label
from stream_app.models import targets
from stream_app.models.recommenders.surface import Surface
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.intake import plain_intake
from stream_app.runtimes.common.memory import collect_seldom
from stream_app.runtimes.kafka.models.loaded_models import LoadedModels
from stream_app.schemas.outputs import ClosedSession, Output, TrainingExample
from stream_app.schemas.topics import EVENTS, SESSIONS
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate

BATCH_RECORDS = 500
MEASURED = 0.3
SESSIONS_BEFORE = 6_400
PASSES = 6
FOR_EVER = 1e12
LATER = 4e9  # whatever time the events have, they were received after it


class Taught(NamedTuple):
    """What the first part of the stream left behind."""

    rows: dict[str, bytes]
    meta: bytes
    models: Models
    surface: bytes


class Timed(NamedTuple):
    """CPU seconds of each batch of a pass, learning sessions apart, and what was learned."""

    step: list[float]
    sessions: list[float]
    examples_sent: int
    sessions_learned: int


def main() -> None:
    """Print the cost of an event with learning off and on, and the parts of the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--days", type=int, default=14)
    chosen = parser.parse_args()
    settings = SimulationSettings(users=chosen.users, days=chosen.days)
    values = [orjson.dumps(event) for event in simulate(settings)]
    first = int(len(values) * (1 - MEASURED))
    taught = _teach(values[:first])
    events = values[first:]
    unlabelled = [value for value in events if orjson.loads(value)["type"] != "label"]
    collect_seldom()
    metrics = Metrics()
    off, on = [], []
    for _ in range(PASSES):
        off.append(_run(unlabelled, taught, metrics, learns=False))
        on.append(_run(events, taught, metrics, learns=True))
    without, labels, sessions = (
        _least(passes) / len(events) * 1e6
        for passes in ([run.step for run in off], [run.step for run in on], [run.sessions for run in on])
    )
    print(f"{len(events):,} events after {first:,}; {on[0].sessions_learned:,} sessions learned,")
    print(f"{on[0].examples_sent:,} training examples sent")
    for name, cost in (
        ("learning off", without),
        ("learning on", labels + sessions),
        ("learning costs", labels + sessions - without),
        ("  labels and moments", labels - without),
        ("  sessions, from bytes", sessions),
    ):
        print(f"{name:24} {cost:8.1f} µs an event")


def _least(passes: Sequence[Sequence[float]]) -> float:
    """The sum of each batch's least time: what else the machine does hardly ever meets all passes of one."""
    return sum(map(min, zip(*passes, strict=True)))


def _teach(values: Sequence[bytes]) -> Taught:
    """Take the first part through the core, and let every model learn what came of it."""
    rules, rows = Rules(), dict[str, UserRow]()
    partition = Partition(0, rules)
    outputs = _step(values, 0, partition, rows, Models(SilentTierModel(), SilentRecommender()), rules)
    tiers = TierScorer(targets.tier_model())
    outcomes = {name: OutcomeScorer(targets.outcome_model(name)) for name in targets.OUTCOMES}
    learners: dict[str, Learner] = dict.fromkeys(Settings().tier_targets, tiers)
    examples = [
        example for output in outputs if isinstance(output, TrainingExample) for example in by_label(output)
    ]
    Trainer(learners | outcomes).learn(list(enumerate(examples)))
    recommender = SessionRecommender(Surface(rules=Settings().surface_rules))
    sessions = [output for output in outputs if isinstance(output, ClosedSession)]
    for earlier in range(SESSIONS_BEFORE // len(sessions), -1, -1):
        ago = earlier * (sessions[-1].ended_at - sessions[0].ended_at)
        for session in sessions:
            recommender.learn(session.model_copy(update={"ended_at": session.ended_at - ago}))
    stored = {user_key: encode_row(row) for user_key, row in rows.items()}
    models = Models(tiers, recommender, outcomes)
    return Taught(stored, partition.encode_meta(), models, recommender.surface.to_state())


def _run(values: Sequence[bytes], taught: Taught, metrics: Metrics, learns: bool) -> Timed:
    nothing = frozenset[str]()
    not_learning = Rules(outlook_interval=FOR_EVER, content_starts=nothing, content_completions=nothing)
    rules = Rules() if learns else not_learning
    partition, rows = Partition(0, rules, taught.meta), dict[str, UserRow]()
    for user_key, stored in taught.rows.items():
        row = rows[user_key] = decode_row(stored)
        if not learns:
            row.moments, row.next_moment_at, row.item_starts = [], FOR_EVER, []
    partition.hold(list(rows), unpack_times(map(pack_times, rows.values())))
    settings = Settings(snapshot_key=SecretStr("a key of this benchmark"))
    loaded = LoadedModels(settings, metrics)
    loaded._recommender.surface = Surface.from_state(taught.surface, settings.surface_rules)
    models = Models(taught.models.tiers, loaded._recommender, taught.models.outcomes)
    step_seconds, session_seconds = list[float](), list[float]()
    sent = learned = 0
    first = partition.meta.applied[EVENTS.name] + 1
    for begin in range(0, len(values), BATCH_RECORDS):
        begun_at = time.process_time()
        outputs = _step(values[begin : begin + BATCH_RECORDS], first + begin, partition, rows, models, rules)
        encoded = [(output, output.encode()) for output in outputs]
        step_seconds.append(time.process_time() - begun_at)
        sent += sum(isinstance(output, TrainingExample) for output in outputs)
        closed = [_record(value) for output, value in encoded if isinstance(output, ClosedSession)]
        if learns and closed:
            learned += len(closed)
            begun_at = time.process_time()
            loaded._learn_sessions(closed)
            session_seconds.append(time.process_time() - begun_at)
    return Timed(step_seconds, session_seconds, sent, learned)


def _step(
    values: Sequence[bytes],
    first_offset: int,
    partition: Partition,
    rows: dict[str, UserRow],
    models: Models,
    rules: Rules,
) -> list[Output]:
    outputs: list[Output] = []
    for begin in range(0, len(values), BATCH_RECORDS):
        batch = values[begin : begin + BATCH_RECORDS]
        records = [
            Record(offset, None, value, LATER) for offset, value in enumerate(batch, first_offset + begin)
        ]
        result = step(partition, Batch(EVENTS.name, 0, records), rows, plain_intake(), models, rules, LATER)
        rows |= {user_key: row for user_key, row in result.rows.items() if row is not None}
        outputs += result.outputs
    return outputs


def _record(value: bytes) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(SESSIONS.name, 0, 0, 0, 0, None, value, None, -1, len(value), ())


if __name__ == "__main__":
    main()
