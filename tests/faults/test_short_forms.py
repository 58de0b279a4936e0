"""Every fault once, on a short stream; `make faults` has the long form."""

import asyncio
from functools import partial
from pathlib import Path
from random import Random

import pytest
from faults import strikes
from faults.outcome import Outcome
from faults.plan import Report, run, scale
from faults.recorded_stream import ByPartition
from faults.strikes import Fault

from load_tests.broker import Broker

pytestmark = pytest.mark.kafka

SHORT = {"session_timeout": 2, "kafka_timeout": 4, "batch_records": 100}

FROZEN_PLAN: tuple[Fault, ...] = (
    partial(scale, 1),
    partial(scale, 3),
    strikes.poison,
    strikes.kill_worker_twice,
    strikes.erase,
    strikes.shift_clock,
    strikes.corrupt_folder,
    strikes.fill_disk,
    strikes.freeze_writer,
    partial(scale, 2),
    strikes.delete_open_folder,
    strikes.kill_broker,
    strikes.stop_worker,
    strikes.freeze_broker,
    strikes.shift_clock,
    strikes.delete_folder,
    partial(scale, 1),
)
LEARNING_PLAN: tuple[Fault, ...] = (
    partial(scale, 2),
    strikes.kill_worker,
    strikes.erase,
    strikes.kill_trainer,
    strikes.poison,
    strikes.kill_trainer,
    strikes.kill_all_workers,
)


@pytest.mark.parametrize(
    ("plan", "is_frozen"),
    [pytest.param(FROZEN_PLAN, True, id="frozen"), pytest.param(LEARNING_PLAN, False, id="learning")],
)
def test_nothing_is_lost_and_nothing_counted_twice(
    broker: Broker,
    topic_prefix: str,
    tmp_path: Path,
    stream: ByPartition,
    tail: ByPartition,
    expected: Outcome,
    plan: tuple[Fault, ...],
    is_frozen: bool,
) -> None:
    due = [(number / len(plan), fault) for number, fault in enumerate(plan, 1)]
    report: Report = asyncio.run(
        run(
            broker,
            topic_prefix,
            tmp_path,
            stream,
            tail,
            expected,
            due,
            Random(1),
            is_frozen,
            is_fed_in_slices=True,
            tell=print,
            **SHORT,
        )
    )
    assert report.findings == []
    assert report.struck.total() == len(plan) + 1  # the topic that is made anew at the end
    assert len(expected.outputs) > len(expected.rows) > 100
